#pragma once

#include <weir/error.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace weir {

/// Work, and what must be done after it however it ended: `co_await with_cleanup(work(), 2s,
/// clean_up)`. A coroutine that was cancelled cannot await anything more by itself; here the
/// clean-up may, for a time of its own.
///
/// Shape: `clean_up()` returns `awaitable<void>` and is called once the work has returned or
///        thrown.
/// Units: `limit` for the clean-up, from its start; then it is cancelled, and waited for.
/// Errors: what the work threw; else what the clean-up threw, or `errc::timed_out` when its limit
///         came first.
/// Cancellation: reaches the work, not the clean-up. A request that came in is not forgotten: the
///               next operation of the coroutine throws, as if there had been no clean-up.
/// Memory: one coroutine more while cleaning up.
template <class T, class CleanUp>
boost::asio::awaitable<T> with_cleanup(boost::asio::awaitable<T> work, duration limit,
                                       CleanUp clean_up)
{
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    typename detail::kept_value<T>::type result;
    std::exception_ptr error;
    auto kept = detail::keep<T>(std::move(work), result);
    try {
        co_await std::move(kept);
    } catch (...) {
        error = std::current_exception();
    }
    const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    // A child has a cancellation state of its own, so ours need not be reset, which would forget
    // what was asked of us.
    scope shield(executor);
    shield.spawn(clean_up());
    {
        const auto on_time = [&shield] { shield.cancel(cancel_reason::deadline); };
        const alarm at_limit(executor, saturating_add(now(executor), limit), on_time);
        try {
            co_await shield.join_uninterrupted();
        } catch (...) {
            if (!error && shield.reason() == cancel_reason::deadline)
                error = std::make_exception_ptr(system_error(errc::timed_out));
            else if (!error)
                error = std::current_exception();
        }
    }
    co_await boost::asio::this_coro::throw_if_cancelled(throwing);
    if (error)
        std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>)
        co_return std::move(*result);
}

} // namespace weir
