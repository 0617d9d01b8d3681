#pragma once

#include <weir/duration.hpp>
#include <weir/run/scope.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace weir {

/// Runs an operation for a limited time: `co_await with_timeout(2s, work())`.
///
/// Shape: after `timeout` the operation is cancelled, and this waits until it has ended, so that
///        nothing of it is left behind. An operation that does not honour cancellation is therefore
///        waited for.
/// Units: `timeout`, counted from now. (A `worker_pool` counts its own from the job's start.)
/// Errors: `errc::timed_out` when the time was over first; else what the operation throws. A value
///         that arrives late is still returned.
/// Cancellation: reaches the operation.
/// Memory: one coroutine, about 1.2 KB.
template <class T>
boost::asio::awaitable<T> with_timeout(duration timeout, boost::asio::awaitable<T> operation);

// -------------------------------------------------------------------------------------------------

template <class T>
boost::asio::awaitable<T> with_timeout(duration timeout, boost::asio::awaitable<T> operation)
{
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    typename detail::kept_value<T>::type result;
    detail::timed_child one(executor, timeout, detail::keep<T>(std::move(operation), result));
    try {
        co_await one.join();
    } catch (...) {
        std::rethrow_exception(one.error());
    }
    if constexpr (!std::is_void_v<T>)
        co_return std::move(*result);
}

} // namespace weir
