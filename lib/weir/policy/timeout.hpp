#pragma once

#include <weir/error.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <optional>
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

namespace detail {

template <class T>
boost::asio::awaitable<void> keep(boost::asio::awaitable<T> operation, std::optional<T>& result)
{
    result.emplace(co_await std::move(operation));
}

template <class T>
boost::asio::awaitable<void> keep(boost::asio::awaitable<void> operation, std::optional<T>& result)
{
    co_await std::move(operation);
    result.emplace();
}

} // namespace detail

template <class T>
boost::asio::awaitable<T> with_timeout(duration limit, boost::asio::awaitable<T> operation)
{
    using value_type = std::conditional_t<std::is_void_v<T>, bool, T>;
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    std::optional<value_type> result;
    scope one(executor);
    one.spawn(detail::keep(std::move(operation), result));
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
