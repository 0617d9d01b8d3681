#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/awaited.hpp>
#include <weir/detail/handler_executor.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/policy/retry_attempts.hpp>
#include <weir/policy/retry_policy.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <type_traits>
#include <utility>

namespace weir {

namespace detail {

/// What a call of the operation returns, whether or not it takes its attempt.
template <class Operation>
struct attempt_call {
    using type = void;
};
template <class Operation>
requires std::is_invocable_v<Operation&, this_attempt&>
struct attempt_call<Operation> : std::invoke_result<Operation&, this_attempt&> {
};
template <class Operation>
requires(!std::is_invocable_v<Operation&, this_attempt&> &&
         std::is_invocable_v<Operation&>) struct attempt_call<Operation>
    : std::invoke_result<Operation&> {
};

/// The type of `co_await` on what a call returned: a coroutine, or a deferred operation.
template <class Begun>
struct attempt_value {
};
template <class T>
struct attempt_value<boost::asio::awaitable<T>> {
    using type = T;
};
template <class Begun>
requires(!is_awaitable<Begun> &&
         requires(Begun begun) {
             std::move(begun)(boost::asio::use_awaitable);
         }) struct attempt_value<Begun>
    : awaited<decltype(std::declval<Begun>()(boost::asio::use_awaitable))> {
};

/// A callable whose calls return coroutines or deferred operations.
template <class Operation>
concept retryable = requires
{
    typename attempt_value<typename attempt_call<Operation>::type>::type;
};

template <class Operation>
using attempt_value_t = typename attempt_value<typename attempt_call<Operation>::type>::type;

template <class T>
struct retry_signature {
    using type = void(error_code, retry_attempts, T);
};
template <>
struct retry_signature<void> {
    using type = void(error_code, retry_attempts);
};

} // namespace detail

/// Tries an operation until it succeeds, or the policy says that it is enough:
/// `co_await async_retry(policy, operation, as_tuple(use_awaitable))`.
///
/// Shape: `operation()`, or `operation(this_attempt&)`, begins one attempt each time it is called:
///        it returns a coroutine, `awaitable<T>`, or a deferred operation of weir, Asio or others,
///        as `with_timeout` takes it. An attempt fails by its error code or exception, by the
///        error in its result (of a send, or a submit), or by `this_attempt::failed`. To limit
///        each attempt, put `with_timeout` inside.
/// Completion: `void(error_code, retry_attempts, T)`, or `void(error_code, retry_attempts)` when
///             there is no value. The value is that of the last attempt, or else `T()`. Its
///             moves must not throw.
/// Errors: that of the last attempt (`errc::failed` when it threw something without a code: the
///         exception is in `retry_attempts`); `boost::asio::error::operation_aborted` when
///         cancelled; `errc::timed_out` when the deadline came before the first attempt, in an
///         attempt, or in a wait; a system error when there is no memory, or the clock cannot be
///         set. With `use_awaitable` alone the error is thrown, and `retry_attempts` are lost;
///         `as_tuple` keeps them.
/// Cancellation: terminal, partial and total end the wait for the next attempt at once, and cancel
///               (terminal) an attempt that runs; it is waited for. When it succeeds nevertheless,
///               so does the whole.
/// Handler: by its associated executor, never inside this call.
/// Threads: attempts run on the handler's executor, one after another; in a strand over it, unless
///          it is known to be serial (a runner's, a strand, or one given through `assume_serial`).
/// Lifetime: the operation is kept until the whole has ended, so that its coroutines may use its
///           captures. Nothing of an attempt is held while the next one is waited for.
/// Memory: one allocation by the handler's allocator, one more while it sleeps, and a record of
///         each attempt. An attempt that is a coroutine costs two small ones.
template <class Operation, class Token = default_token<boost::asio::any_io_executor>>
WEIR_NODISCARD_OPERATION auto async_retry(retry_policy policy, Operation operation,
                                          Token&& token = Token());

/// The same where the handler may have no executor: it runs on `executor` then.
template <class Executor, class Operation, class Token = default_token<Executor>>
WEIR_NODISCARD_OPERATION auto async_retry(Executor executor, retry_policy policy,
                                          Operation operation, Token&& token = Token());

/// As `async_retry`, until `deadline`: no attempt begins, and no wait ends, at that time or later,
/// and one that still runs then is cancelled, and waited for.
template <class Operation, class Token = default_token<boost::asio::any_io_executor>>
WEIR_NODISCARD_OPERATION auto async_retry_until(time_point deadline, retry_policy policy,
                                                Operation operation, Token&& token = Token());
template <class Executor, class Operation, class Token = default_token<Executor>>
WEIR_NODISCARD_OPERATION auto async_retry_until(Executor executor, time_point deadline,
                                                retry_policy policy, Operation operation,
                                                Token&& token = Token());

} // namespace weir

#include <weir/policy/detail/retry_operation.hpp>
