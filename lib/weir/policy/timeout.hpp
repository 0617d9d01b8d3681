#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/detail/result_access.hpp>
#include <weir/duration.hpp>
#include <weir/run/scope.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir {

namespace detail {

/// What begins when it gets a completion token.
template <class Operation>
concept deferred_operation = !is_awaitable<Operation> && requires(Operation operation)
{
    std::move(operation)(boost::asio::use_awaitable);
};

} // namespace detail

/// Runs an operation for a limited time: `co_await with_timeout(2s, work())`, or
/// `co_await with_timeout(2s, limit.async_acquire())`.
///
/// Shape: the operation is a coroutine, or a deferred operation of weir, Asio or others: what a
///        call gives with the token `deferred`, or of weir without a token. After `timeout` the
///        operation is cancelled, and this waits until it has ended, so that nothing of it is left
///        behind. An operation that does not honour cancellation is therefore waited for.
/// Units: `timeout`, counted from now. (A `worker_pool` counts its own from the job's start.)
/// Errors: `errc::timed_out` when the time was over first, in the result of a send or a submit too;
///         else what the operation throws. A value that arrives late is still returned.
/// Cancellation: reaches the operation.
/// Threads: on the coroutine's executor; in a strand over it, unless it is known to be serial (a
///          runner's, a strand, or one given through `assume_serial`).
/// Memory: two coroutines, about 1.5 KB; a small one more for a deferred operation.
template <class T>
boost::asio::awaitable<T> with_timeout(duration timeout, boost::asio::awaitable<T> operation);
template <detail::deferred_operation Operation>
auto with_timeout(duration timeout, Operation operation);

/// The same until a point in time. One that has passed cancels the operation at once; what need not
/// wait may still succeed.
template <class T>
boost::asio::awaitable<T> with_deadline(time_point deadline, boost::asio::awaitable<T> operation);
template <detail::deferred_operation Operation>
auto with_deadline(time_point deadline, Operation operation);

// -------------------------------------------------------------------------------------------------

namespace detail {

template <class T, class Limit>
boost::asio::awaitable<T> run_limited(Limit limit, boost::asio::awaitable<T> operation)
{
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    typename kept_value<T>::type result;
    std::optional<timed_child> one;
    const auto start = [&]() -> timed_child& {
        return one.emplace(executor, limit, keep<T>(std::move(operation), result));
    };
    try {
        co_await joined(start);
    } catch (...) {
        std::rethrow_exception(one ? one->error() : std::current_exception());
    }
    if constexpr (has_error<T>)
        if (error_code& error = result_access::error_of(*result);
            error == boost::asio::error::operation_aborted && one->was_late())
            error = errc::timed_out;
    if constexpr (!std::is_void_v<T>)
        co_return std::move(*result);
}

} // namespace detail

template <class T>
boost::asio::awaitable<T> with_timeout(duration timeout, boost::asio::awaitable<T> operation)
{
    return detail::run_limited<T>(timeout, std::move(operation));
}

template <detail::deferred_operation Operation>
auto with_timeout(duration timeout, Operation operation)
{
    return with_timeout(timeout, std::move(operation)(boost::asio::use_awaitable));
}

template <class T>
boost::asio::awaitable<T> with_deadline(time_point deadline, boost::asio::awaitable<T> operation)
{
    return detail::run_limited<T>(deadline, std::move(operation));
}

template <detail::deferred_operation Operation>
auto with_deadline(time_point deadline, Operation operation)
{
    return with_deadline(deadline, std::move(operation)(boost::asio::use_awaitable));
}

} // namespace weir
