// Four workers, a queue of jobs and a queue of results, by Asio's experimental channels: what
// pool.cpp is weighed against.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace asio = boost::asio;
using boost::system::error_code;

struct job {
    std::int64_t id = 0;
    std::int64_t value = 0;
};

struct result {
    std::int64_t id = 0;
    std::int64_t value = 0;
};

using job_channel = asio::experimental::channel<void(error_code, job)>;
using result_channel = asio::experimental::channel<void(error_code, result)>;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

result work(job j)
{
    return {j.id, 2 * j.value + 1};
}

asio::awaitable<void> submit(job_channel& jobs, std::int64_t count)
{
    for (std::int64_t i = 0; i < count; ++i) {
        const job next{i, i};
        const auto sent = co_await jobs.async_send(error_code(), next, quietly);
        if (std::get<0>(sent))
            break;
    }
    const error_code end = asio::error::eof;
    for (int worker = 0; worker < 4; ++worker)
        co_await jobs.async_send(end, job(), quietly);
}

asio::awaitable<void> run_worker(job_channel& jobs, result_channel& results)
{
    for (;;) {
        const auto received = co_await jobs.async_receive(quietly);
        const error_code error = std::get<0>(received);
        const result done = error ? result() : work(std::get<1>(received));
        co_await results.async_send(error, done, quietly);
        if (error)
            co_return;
    }
}

asio::awaitable<void> collect(result_channel& results, std::int64_t& sum)
{
    for (int working = 4; working != 0;) {
        const auto received = co_await results.async_receive(quietly);
        if (std::get<0>(received))
            --working;
        else
            sum += std::get<1>(received).value;
    }
}

int main(int argc, char** argv)
{
    const std::int64_t count = argc == 2 ? std::atoll(argv[1]) : 0;
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    asio::io_context io(1);
    job_channel jobs(io, 64);
    result_channel results(io, 64);
    std::int64_t sum = 0;
    asio::co_spawn(io, submit(jobs, count), rethrow);
    for (int worker = 0; worker < 4; ++worker)
        asio::co_spawn(io, run_worker(jobs, results), rethrow);
    asio::co_spawn(io, collect(results, sum), rethrow);
    io.run();
    std::printf("{\"checksum\": %lld}\n", static_cast<long long>(sum));
}
