// Callables through a task_pool: submitted and waited for together, or awaited one by one.

#include <weir/flow/task_pool.hpp>

#include "support/bench.hpp"
#include "support/still_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <numeric>
#include <vector>

namespace asio = boost::asio;
using bench::report;

namespace {

asio::awaitable<void> submit_all(weir::task_pool& tasks, std::vector<std::int64_t>& results)
{
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto call = [&results, i] {
            results[i] = bench::worked(static_cast<std::int64_t>(i));
        };
        if (!tasks.try_submit(call))
            (void)co_await tasks.async_submit(call);
    }
    const weir::drain_report drained = co_await tasks.drain(std::chrono::hours(1));
    bench::require(drained.clean(), "the pool did not drain");
}

template <std::size_t Limit, std::size_t Threads>
report submit_many(std::int64_t items)
{
    weir::runner_pool runners(Threads);
    bench::stop_the_clock_if_asked(runners);
    weir::task_pool tasks(runners, weir::pool_options(Limit));
    std::vector<std::int64_t> results(static_cast<std::size_t>(items));
    const bench::stopwatch watch;
    asio::co_spawn(runners.executor(0), submit_all(tasks, results), asio::use_future).get();
    const double ns = watch.nanoseconds() / static_cast<double>(items);
    bench::require(tasks.ledger().ok == static_cast<std::uint64_t>(items), "a job is missing");
    return {std::accumulate(results.begin(), results.end(), std::uint64_t{0}), {{"ns", ns}}};
}

asio::awaitable<std::uint64_t> run_one_by_one(weir::task_pool& tasks, std::int64_t items)
{
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < items; ++i) {
        const auto call = [i] { return bench::worked(i); };
        auto out = co_await tasks.async_run(call);
        sum += static_cast<std::uint64_t>(out.value());
    }
    co_return sum;
}

report round_trip_run(std::int64_t items)
{
    weir::runner_pool runners(1);
    bench::stop_the_clock_if_asked(runners);
    weir::task_pool tasks(runners, weir::pool_options(8));
    const bench::stopwatch watch;
    auto ran = asio::co_spawn(runners.executor(0), run_one_by_one(tasks, items), asio::use_future);
    const std::uint64_t sum = ran.get();
    return bench::ns_each(watch, items, sum);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"submit_many_8", submit_many<8, 2>},
                        {"submit_many_100", submit_many<100, 2>},
                        {"submit_many_8_1", submit_many<8, 1>},
                        {"round_trip_run", round_trip_run}});
}
