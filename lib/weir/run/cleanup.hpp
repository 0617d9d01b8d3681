#pragma once

#include <weir/duration.hpp>
#include <weir/run/scope.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir {

/// Awaits work, then a clean-up, however the work ended: `co_await with_cleanup(work(), 2s,
/// clean_up)`. A coroutine that was cancelled cannot await anything more by itself; here the
/// clean-up still can, for a limited time.
///
/// Shape: `clean_up()` returns `awaitable<void>` and is called once, after the work has returned or
///        thrown.
/// Units: `timeout` of the clean-up, from its start. Then it is cancelled, and waited for.
/// Errors: what the work threw; else what the clean-up threw, or `errc::timed_out` when its time
///         was over first.
/// Cancellation: reaches the work, not the clean-up. A request is not forgotten: the coroutine's
///               next operation throws, as if there had been no clean-up.
/// Memory: one coroutine more while cleaning up.
template <class T, class CleanUp>
boost::asio::awaitable<T> with_cleanup(boost::asio::awaitable<T> work, duration timeout,
                                       CleanUp clean_up);

// -------------------------------------------------------------------------------------------------

template <class T, class CleanUp>
boost::asio::awaitable<T> with_cleanup(boost::asio::awaitable<T> work, duration timeout,
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
    // Not `detail::uninterrupted`: a coroutine that is cancelled already cannot await that either.
    const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    {
        // A child has a cancellation state of its own. To reset ours would forget the request.
        std::optional<detail::timed_child> shield; // none when `clean_up()` itself throws
        try {
            shield.emplace(executor, timeout, clean_up());
            co_await shield->join_uninterrupted();
        } catch (...) {
            if (!error)
                error = shield ? shield->error() : std::current_exception();
        }
    }
    co_await boost::asio::this_coro::throw_if_cancelled(throwing);
    if (error)
        std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>)
        co_return std::move(*result);
}

} // namespace weir
