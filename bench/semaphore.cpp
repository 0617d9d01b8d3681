// A semaphore that is free, and one that a hundred tasks want.

#include <weir/sync/semaphore.hpp>

#include "support/bench.hpp"

#include <weir/run/runner_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <vector>

namespace asio = boost::asio;
using bench::report;

namespace {

asio::awaitable<std::uint64_t> take_turns(weir::semaphore& semaphore, std::int64_t rounds)
{
    std::uint64_t passed = 0;
    for (std::int64_t i = 0; i < rounds; ++i) {
        weir::permit permit = semaphore.try_acquire();
        if (!permit)
            permit = co_await semaphore.async_acquire();
        passed += permit.weight();
    }
    co_return passed;
}

report semaphore_free(std::int64_t items)
{
    weir::runner_pool runners(1);
    weir::semaphore semaphore(runners.executor(0), 2);
    const bench::stopwatch watch;
    auto turns =
        asio::co_spawn(runners.executor(0), take_turns(semaphore, items), asio::use_future);
    const std::uint64_t passed = turns.get();
    return bench::ns_each(watch, items, passed);
}

/// Each holds its permit while it lets the others on its runner go first.
asio::awaitable<std::uint64_t> compete(weir::semaphore& semaphore, std::int64_t rounds)
{
    std::uint64_t passed = 0;
    for (std::int64_t i = 0; i < rounds; ++i) {
        weir::permit permit = semaphore.try_acquire();
        if (!permit)
            permit = co_await semaphore.async_acquire();
        co_await asio::post(asio::deferred);
        passed += permit.weight();
    }
    co_return passed;
}

template <std::size_t Threads>
report semaphore_contended(std::int64_t items)
{
    constexpr std::size_t tasks = 100;
    weir::runner_pool runners(Threads);
    weir::semaphore semaphore(runners.executor(0), 2);
    std::vector<std::future<std::uint64_t>> all;
    const bench::stopwatch watch;
    for (std::size_t i = 0; i < tasks; ++i)
        all.push_back(asio::co_spawn(runners.executor(i % Threads),
                                     compete(semaphore, items / std::int64_t{tasks}),
                                     asio::use_future));
    std::uint64_t passed = 0;
    for (auto& one : all)
        passed += one.get();
    return bench::ns_each(watch, items, passed);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv,
                       {{"semaphore_free", semaphore_free},
                        {"semaphore_contended_1", semaphore_contended<1>},
                        {"semaphore_contended_2", semaphore_contended<2>}});
}
