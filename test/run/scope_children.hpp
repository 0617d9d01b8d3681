#pragma once

#include <weir/run/scope.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

// Children for the tests of `scope`, and ways to join them.

namespace weir::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

inline asio::awaitable<void> sleep_then(weir::duration length, int& count)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length);
    ++count;
}

inline asio::awaitable<void> fail_after(weir::duration length, std::string what)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length);
    throw std::runtime_error(what);
}

inline asio::awaitable<std::string> joined(weir::scope& children)
{
    try {
        co_await children.join();
    } catch (const std::runtime_error& e) {
        co_return e.what();
    }
    co_return "";
}

inline asio::awaitable<void> slow_to_end(bool& ended)
{
    const auto executor = co_await asio::this_coro::executor;
    try {
        co_await weir::async_sleep_for(executor, 1h);
    } catch (const weir::system_error&) {
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await weir::async_sleep_for(executor, 5s); // clean-up that takes its time
    ended = true;
}

inline asio::awaitable<void> join_and_keep(weir::scope& children, weir::error_code& code)
{
    try {
        co_await children.join();
    } catch (const weir::system_error& e) {
        code = e.code();
    }
}

/// Sleeps until it is cancelled, and says where that reached it.
inline asio::awaitable<void> note_where_cancelled(simulation& s, int& here, int& elsewhere)
{
    try {
        co_await weir::async_sleep_for(s.a.get_executor(), 1h);
    } catch (const weir::system_error&) {
        ++(s.world.running() == &s.a ? here : elsewhere);
        throw;
    }
}

} // namespace weir::test
