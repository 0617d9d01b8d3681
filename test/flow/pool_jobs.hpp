#pragma once

// Jobs for the tests of pools.

#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <vector>

namespace weir::test {

inline std::vector<boost::asio::any_io_executor> both(simulation& s)
{
    return {s.a.get_executor(), s.b.get_executor()};
}

/// Returns `n` after a second.
inline boost::asio::awaitable<int> slow(int n)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await weir::async_sleep_for(executor, std::chrono::seconds(1));
    co_return n;
}

/// Does not honour cancellation.
inline boost::asio::awaitable<int> stubborn(weir::duration length)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    co_await weir::async_sleep_for(executor, length);
    co_return 1;
}

} // namespace weir::test
