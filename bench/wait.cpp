// Many jobs asleep at a time.

#include <weir/time/sleep.hpp>

#include "support/bench.hpp"
#include "support/memory.hpp"

#include <weir/flow/task_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace asio = boost::asio;
using bench::report;

namespace {

asio::awaitable<void> start_all(weir::task_pool& tasks, std::int64_t items, weir::duration length,
                                std::atomic<std::int64_t>& started, std::atomic<std::uint64_t>& sum)
{
    for (std::int64_t i = 0; i < items; ++i) {
        const auto sleep = [&started, &sum, length,
                            i](weir::job_context& context) -> asio::awaitable<void> {
            started.fetch_add(1, std::memory_order_relaxed);
            co_await weir::async_sleep_for(context.get_executor(), length);
            sum.fetch_add(static_cast<std::uint64_t>(i), std::memory_order_relaxed);
        };
        const auto accepted = tasks.try_submit(sleep);
        bench::require(bool(accepted), "a job was not accepted");
    }
    const weir::drain_report drained = co_await tasks.drain(std::chrono::hours(1));
    bench::require(drained.clean(), "the pool did not drain");
}

/// Ten seconds, or two for fewer than a million. Memory is looked at when all are asleep, or just
/// before the first wakes if that comes first.
report asleep(std::int64_t items)
{
    const auto length = std::chrono::seconds(items < 1'000'000 ? 2 : 10);
    weir::runner_pool runners(2);
    weir::task_pool tasks(runners, weir::pool_options(weir::unlimited));
    std::atomic<std::int64_t> started{0};
    std::atomic<std::uint64_t> sum{0};
    const double before = bench::resident_bytes();
    const bench::stopwatch watch;
    auto ended = asio::co_spawn(runners.executor(0), start_all(tasks, items, length, started, sum),
                                asio::use_future);
    while (started.load() < items && watch.seconds() < 0.95 * static_cast<double>(length.count()))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto in_flight = static_cast<double>(started.load());
    const double bytes = bench::resident_bytes() - before;
    const double to_start = watch.nanoseconds();
    ended.get();
    const double to_finish = watch.nanoseconds() - static_cast<double>(length.count()) * 1e9;
    return {sum.load(),
            {{"bytes", bytes / in_flight},
             {"start_ns", to_start / in_flight},
             {"finish_ns", to_finish / static_cast<double>(items)},
             {"in_flight", in_flight}}};
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv, {{"asleep", asleep}});
}
