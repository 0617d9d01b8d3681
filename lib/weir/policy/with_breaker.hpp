#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/detail/result_access.hpp>
#include <weir/error.hpp>
#include <weir/policy/breaker.hpp>
#include <weir/policy/detail/retry_run.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/errc.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace weir {

/// What counts as a failure of the far side unless a rule says otherwise: every error.
struct every_error {
    bool operator()(const error_code&) const noexcept { return true; }
};

/// Runs an operation if the breaker lets a call to this key through, and tells it how that ended:
/// `co_await with_breaker(hosts, name, fetch(name))`.
///
/// Shape: the operation is a coroutine, or a deferred operation, as `with_timeout` takes it. One
///        that is refused is never begun. `is_failure(error_code)` says whether an error is the far
///        side's fault: "not found" may be a good answer. An exception without a code is
///        `errc::failed`.
/// Errors: `errc::breaker_open` when refused; else what the operation throws.
/// Cancellation: reaches the operation. One that was cancelled counts for nothing; one that timed
///               out by a `with_timeout` around the operation counts as failed.
/// Lifetime: the breaker must live until the call has begun.
/// Memory: two small coroutines.
template <class Key, class Hash, class T, class Rule = every_error>
boost::asio::awaitable<T> with_breaker(breaker<Key, Hash>& asked, std::type_identity_t<Key> key,
                                       boost::asio::awaitable<T> operation,
                                       Rule is_failure = Rule());
template <class Key, class Hash, detail::deferred_operation Operation, class Rule = every_error>
auto with_breaker(breaker<Key, Hash>& asked, std::type_identity_t<Key> key, Operation operation,
                  Rule is_failure = Rule());

// -------------------------------------------------------------------------------------------------

template <class Key, class Hash, class T, class Rule>
boost::asio::awaitable<T> with_breaker(breaker<Key, Hash>& asked, std::type_identity_t<Key> key,
                                       boost::asio::awaitable<T> operation, Rule is_failure)
{
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    auto pass = asked.try_enter(std::move(key), now(executor));
    if (!pass)
        throw system_error(errc::breaker_open);
    typename detail::kept_value<T>::type result;
    std::exception_ptr thrown;
    auto kept = detail::keep<T>(std::move(operation), result);
    try {
        co_await std::move(kept);
    } catch (...) {
        thrown = std::current_exception();
    }
    error_code error;
    if (thrown)
        error = detail::code_of(thrown);
    else if constexpr (detail::has_error<T>)
        error = detail::result_access::error_of(*result);
    if (!error || (error != boost::system::errc::operation_canceled && !is_failure(error)))
        pass.succeeded(now(executor));
    else if (error != boost::system::errc::operation_canceled)
        pass.failed(now(executor));
    if (thrown)
        std::rethrow_exception(thrown);
    if constexpr (!std::is_void_v<T>)
        co_return std::move(*result);
}

template <class Key, class Hash, detail::deferred_operation Operation, class Rule>
auto with_breaker(breaker<Key, Hash>& asked, std::type_identity_t<Key> key, Operation operation,
                  Rule is_failure)
{
    return with_breaker(asked, std::move(key), std::move(operation)(boost::asio::use_awaitable),
                        std::move(is_failure));
}

} // namespace weir
