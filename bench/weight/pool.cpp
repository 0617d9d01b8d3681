// Four workers, a queue of jobs and a queue of results, by weir's worker pool: what such a program
// costs its user in compile time and size. asio_channel.cpp does the same without weir.

#include <weir/flow/worker_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace asio = boost::asio;

struct job {
    std::int64_t id;
    std::int64_t value;
};

struct result {
    std::int64_t id;
    std::int64_t value;
};

using pool = weir::worker_pool<job, result>;

result work(job j)
{
    return {j.id, 2 * j.value + 1};
}

asio::awaitable<void> submit(pool& jobs, std::int64_t count)
{
    for (std::int64_t i = 0; i < count; ++i) {
        const job next{i, i};
        const auto submitted = co_await jobs.async_submit(next);
        if (!submitted)
            break;
    }
    jobs.close();
}

asio::awaitable<void> collect(pool& jobs, std::int64_t& sum)
{
    while (auto done = co_await jobs.results().async_receive())
        if (*done)
            sum += done->value().value;
}

int main(int argc, char** argv)
{
    const std::int64_t count = argc == 2 ? std::atoll(argv[1]) : 0;
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    asio::io_context io(1);
    pool jobs({io.get_executor()}, weir::pool_options(4).queue(64).results(64), work);
    std::int64_t sum = 0;
    asio::co_spawn(io, submit(jobs, count), rethrow);
    asio::co_spawn(io, collect(jobs, sum), rethrow);
    io.run();
    std::printf("{\"checksum\": %lld}\n", static_cast<long long>(sum));
}
