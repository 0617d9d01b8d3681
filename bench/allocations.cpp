// How many allocations a pool makes per job, once it has warmed up.

#include "support/bench.hpp"
#include "support/count_allocations.hpp"
#include "support/stream.hpp"

#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <vector>

namespace asio = boost::asio;
using bench::pool, bench::report;

namespace {

constexpr std::int64_t to_warm_up = 200'000;

report calls_each(std::uint64_t calls, std::int64_t items, std::uint64_t checksum)
{
    const double each = static_cast<double>(calls) / static_cast<double>(items);
    return {checksum, {{"allocations", each}, {"calls", static_cast<double>(calls)}}};
}

/// From when the warm-up's last outcome is received until all have been.
asio::awaitable<std::uint64_t> receive_and_count(pool& jobs, std::int64_t items,
                                                 std::uint64_t& calls)
{
    std::uint64_t sum = 0;
    std::uint64_t before = 0;
    for (std::int64_t i = 0; i < to_warm_up + items; ++i) {
        if (i == to_warm_up)
            before = bench::allocation_calls;
        auto out = jobs.results().try_receive();
        if (!out)
            out = co_await jobs.results().async_receive();
        sum += static_cast<std::uint64_t>(out->value().value);
    }
    calls = bench::allocation_calls - before;
    jobs.close();
    co_return sum;
}

template <std::size_t Threads>
report stream(std::int64_t items)
{
    weir::runner_pool runners(Threads);
    pool jobs(runners, bench::options(8), bench::work);
    std::uint64_t calls = 0;
    auto fed = asio::co_spawn(runners.executor(0), bench::submit_all(jobs, to_warm_up + items),
                              asio::use_future);
    auto received = asio::co_spawn(runners.executor(Threads - 1),
                                   receive_and_count(jobs, items, calls), asio::use_future);
    fed.get();
    const std::uint64_t sum = received.get();
    return calls_each(calls, items, sum);
}

/// From when the warm-up was submitted until all have been.
asio::awaitable<void> submit_and_count(weir::task_pool& tasks, std::vector<std::int64_t>& results,
                                       std::uint64_t& calls)
{
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (i == std::size_t{to_warm_up})
            before = bench::allocation_calls;
        const auto call = [&results, i] {
            results[i] = bench::worked(static_cast<std::int64_t>(i));
        };
        if (!tasks.try_submit(call))
            (void)co_await tasks.async_submit(call);
    }
    calls = bench::allocation_calls - before;
    co_await tasks.drain(std::chrono::hours(1));
}

template <std::size_t Threads>
report submit(std::int64_t items)
{
    weir::runner_pool runners(Threads);
    weir::task_pool tasks(runners, weir::pool_options(8));
    std::vector<std::int64_t> results(static_cast<std::size_t>(to_warm_up + items));
    std::uint64_t calls = 0;
    asio::co_spawn(runners.executor(0), submit_and_count(tasks, results, calls), asio::use_future)
        .get();
    std::uint64_t sum = 0;
    for (const std::int64_t value : results)
        sum += static_cast<std::uint64_t>(value);
    return calls_each(calls, items, sum);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"allocations_stream_1", stream<1>},
                        {"allocations_stream_2", stream<2>},
                        {"allocations_submit_1", submit<1>},
                        {"allocations_submit_2", submit<2>}});
}
