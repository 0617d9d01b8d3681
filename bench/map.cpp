// A coroutine for each of many items, 64 at a time, on the runner that takes the results.

#include <weir/flow/map.hpp>

#include "support/bench.hpp"

#include <weir/run/runner_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <ranges>

namespace asio = boost::asio;
using bench::report;

namespace {

constexpr std::size_t window = 64;

asio::awaitable<std::int64_t> work(std::int64_t value)
{
    co_return bench::worked(value);
}

asio::awaitable<std::int64_t> work_and_suspend(std::int64_t value)
{
    co_await asio::post(asio::deferred);
    co_return bench::worked(value);
}

template <class Function>
asio::awaitable<std::uint64_t> sum_of(std::int64_t items, Function function, weir::order order)
{
    std::uint64_t sum = 0;
    auto results = weir::map(std::views::iota(std::int64_t{0}, items), window, function, order);
    while (auto result = co_await results.next())
        sum += static_cast<std::uint64_t>(*result);
    co_return sum;
}

template <weir::order Order, asio::awaitable<std::int64_t> (*Function)(std::int64_t)>
report map_window(std::int64_t items)
{
    weir::runner_pool runners(1);
    const bench::stopwatch watch;
    auto mapped =
        asio::co_spawn(runners.executor(0), sum_of(items, Function, Order), asio::use_future);
    const std::uint64_t sum = mapped.get();
    return bench::ns_each(watch, items, sum);
}

} // namespace

int main(int argc, char** argv)
{
    using weir::order;
    return bench::main(
        argc, argv,
        {{"map_window_ordered", map_window<order::kept, work>},
         {"map_window_completed", map_window<order::as_completed, work>},
         {"map_suspending_ordered", map_window<order::kept, work_and_suspend>},
         {"map_suspending_completed", map_window<order::as_completed, work_and_suspend>}});
}
