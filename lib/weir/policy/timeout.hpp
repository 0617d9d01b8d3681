#pragma once

#include <weir/error.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <type_traits>
#include <utility>

namespace weir {

/// Runs an operation for at most a length of time: `co_await with_timeout(2s, work())`.
///
/// Shape: at the limit the operation is cancelled, and this waits until it has ended, so that
///        nothing of it is left behind. An operation that does not honour cancellation is therefore
///        waited for.
/// Units: `limit` from now; a `worker_pool` starts it with the job.
/// Errors: `errc::timed_out` when the limit came first; else what the operation throws. A value
///         that arrives all the same is returned, not thrown away.
/// Cancellation: reaches the operation.
/// Memory: one coroutine, about 1.2 KB.
template <class T>
boost::asio::awaitable<T> with_timeout(duration limit, boost::asio::awaitable<T> operation);

// -------------------------------------------------------------------------------------------------

template <class T>
boost::asio::awaitable<T> with_timeout(duration limit, boost::asio::awaitable<T> operation)
{
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    typename detail::kept_value<T>::type result;
    scope one(executor);
    one.spawn(detail::keep<T>(std::move(operation), result));
    const auto on_time = [&one] { one.cancel(cancel_reason::deadline); };
    alarm at_limit(executor, saturating_add(now(executor), limit), on_time);
    try {
        co_await one.join();
    } catch (...) {
        if (one.reason() == cancel_reason::deadline)
            throw system_error(errc::timed_out);
        throw;
    }
    if constexpr (!std::is_void_v<T>)
        co_return std::move(*result);
}

} // namespace weir
