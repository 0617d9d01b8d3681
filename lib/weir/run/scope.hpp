#pragma once

#include <weir/detail/guarded_call.hpp>
#include <weir/error.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/alarm.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// What a scope does when a child of it fails.
enum class error_rule {
    cancel_siblings, ///< the first error cancels the other children, and `join` throws it
    collect,         ///< the others go on; `join` throws every error
};

/// Thrown by `join` when several children of a scope that collects errors have failed.
class scope_errors : public std::runtime_error {
public:
    explicit scope_errors(std::vector<std::exception_ptr> errors);
    /// In the order in which the children failed.
    const std::vector<std::exception_ptr>& errors() const noexcept { return errors_; }

private:
    std::vector<std::exception_ptr> errors_;
};

/// A nursery: coroutines started in it are joined before it ends, and one failure cancels the
/// others.
///
/// Shape: `spawn` any number of children, then `co_await join()`, always. Children run on the
///        scope's executor, one at a time: in a strand over it, unless it is known to be serial (a
///        runner's, a strand, or one given through `assume_serial`).
/// Errors: with `error_rule::cancel_siblings`, the default because partial results are rarely
///         useful, the first error is recorded before the siblings are cancelled, and `join` throws
///         it; later errors are usually caused by that cancellation, and are dropped. With
///         `error_rule::collect` no child is cancelled; `join` throws the one error, or
///         `scope_errors` when there are more.
/// Cancellation: cancelling the coroutine in `join` cancels the children; `join` still waits for
///               them. A coroutine that was cancelled earlier, and caught what its operation threw,
///               cannot await `join` any more: like any `co_await` then, it throws
///               `operation_aborted` at once, and the children end unjoined. `with_scope` closes
///               this gap: it waits for them whatever its body catches. A scope with a token is
///               cancelled when the token's source is, from any thread, with the source's reason;
///               the children are cancelled on the scope's executor.
/// Threads: with a serial executor, only there; to cancel from elsewhere, give the scope the token
///          of a `cancel_source`. With any other, from any thread.
/// Lifetime: a scope destroyed before it was joined (after an exception, say) cancels its children,
///           which end by themselves. It may outlive its executor's context, which destroys the
///           children; nothing can be spawned after that, and a `join` on another context throws
///           `errc::closed` if there were any.
/// Memory: one coroutine per child: about 1.2 KB.
class scope {
public:
    explicit scope(boost::asio::any_io_executor executor,
                   error_rule rule = error_rule::cancel_siblings);
    scope(boost::asio::any_io_executor executor, cancel_token token,
          error_rule rule = error_rule::cancel_siblings);
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();

    /// Starts a child. On a serial executor it may run to its first suspension inside this call.
    /// Throws `std::bad_alloc` when there is no memory for it; it does not count as a child then.
    /// (Where that is found only in the strand, it is the child's error.)
    void spawn(boost::asio::awaitable<void> child);

    /// The same for a callable that returns `awaitable<void>`. It is kept until its coroutine has
    /// ended, so that the coroutine may use its captures.
    template <class Work>
    requires std::same_as<std::invoke_result_t<Work&>, boost::asio::awaitable<void>>
    void spawn(Work work) { spawn(kept(std::move(work))); }

    /// Cancels (terminal) every child, including those not started yet and those spawned later.
    void cancel(cancel_reason reason = cancel_reason::requested);

    bool cancelled() const noexcept { return reason() != cancel_reason::none; }
    /// Why it was cancelled first: by `cancel`, by a child's failure, or by its token.
    cancel_reason reason() const noexcept;
    /// How many children have not ended.
    std::size_t running() const noexcept;

    /// Waits until every child has ended, then throws what the error rule says.
    boost::asio::awaitable<void> join();

    /// The same, but cancelling the coroutine that waits does not cancel the children.
    boost::asio::awaitable<void> join_uninterrupted();

private:
    struct state;
    struct child;
    class child_end;

    // Not a lambda: the callable moves into the frame as a parameter.
    template <class Work>
    static boost::asio::awaitable<void> kept(Work work)
    {
        co_await work();
    }

    static boost::asio::awaitable<void> run(std::shared_ptr<state> s, std::shared_ptr<child> c,
                                            boost::asio::awaitable<void> work);
    static boost::asio::awaitable<void> wait(std::shared_ptr<state> s, bool reaches_children);

    std::shared_ptr<state> state_;
    detail::guarded_call on_token_;
};

/// A scope that cannot be left before its children have ended: `co_await with_scope(body)`, where
/// `body(scope&)` is a coroutine that spawns them.
///
/// Shape: the body is a child itself: its error cancels the others, and their errors cancel it, as
///        the error rule says. Returns what the body returned, when all have ended.
/// Errors: as for `scope::join`.
/// Cancellation: cancels the body and all children, and waits for them.
/// Lifetime: the callable is kept until all have ended.
template <class Body>
std::invoke_result_t<Body&, scope&> with_scope(Body body,
                                               error_rule rule = error_rule::cancel_siblings);

/// The same, and cancelled when the token's source is.
template <class Body>
std::invoke_result_t<Body&, scope&> with_scope(Body body, cancel_token token,
                                               error_rule rule = error_rule::cancel_siblings);

// -------------------------------------------------------------------------------------------------

namespace detail {

template <class T>
struct kept_value {
    using type = std::optional<T>;
};
template <>
struct kept_value<void> {
    using type = std::optional<bool>;
};

template <class T>
boost::asio::awaitable<void> keep(boost::asio::awaitable<T> operation,
                                  typename kept_value<T>::type& result)
{
    if constexpr (std::is_void_v<T>) {
        co_await std::move(operation);
        result.emplace();
    } else {
        result.emplace(co_await std::move(operation));
    }
}

/// Runs a coroutine as the only child of a scope, cancels it after `timeout` or at `deadline`, and
/// waits for it.
///
/// Errors: what `join` throws; `error` in the handler says what that was.
/// Threads: as a scope's. Where the executor is not serial, the alarm is in the child's strand.
class timed_child {
public:
    timed_child(boost::asio::any_io_executor executor, duration timeout,
                boost::asio::awaitable<void> work);
    timed_child(boost::asio::any_io_executor executor, time_point deadline,
                boost::asio::awaitable<void> work);
    timed_child(const timed_child&) = delete;
    timed_child& operator=(const timed_child&) = delete;

    boost::asio::awaitable<void> join() { return only_.join(); }
    boost::asio::awaitable<void> join_uninterrupted() { return only_.join_uninterrupted(); }

    /// For a coroutine that was cancelled while the child began.
    void cancel() { only_.cancel(); }

    /// The exception being handled, or `errc::timed_out` when the timeout caused it, or why there
    /// is no timeout: the child was cancelled then.
    std::exception_ptr error() const;
    /// Whether the timeout cancelled it.
    bool was_late() const noexcept { return late_ || only_.reason() == cancel_reason::deadline; }

private:
    void cancel_at(boost::asio::any_io_executor executor, time_point deadline);

    scope only_;
    alarm at_timeout_;
    std::exception_ptr no_alarm_;
    bool late_ = false; // in the child's strand
};

/// Joins the children that `start()` spawns and returns: a `scope&`, or a `timed_child&`. One of
/// them may cancel this coroutine while it begins. By itself Asio would then throw at the next
/// `co_await`, and the children would run on without what they use.
template <class Start>
boost::asio::awaitable<void> joined(Start start)
{
    const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    std::exception_ptr error;
    try {
        auto& children = start();
        const auto own = co_await boost::asio::this_coro::cancellation_state;
        if (own.cancelled() != boost::asio::cancellation_type::none)
            children.cancel();
        boost::asio::awaitable<void> all;
        while (!all.valid()) {
            try {
                all = children.join();
            } catch (const std::bad_alloc&) { // the children use what this coroutine has
            }
            if (!all.valid())
                co_await boost::asio::post(boost::asio::use_awaitable);
        }
        co_await std::move(all);
    } catch (...) {
        error = std::current_exception();
    }
    co_await boost::asio::this_coro::throw_if_cancelled(throwing);
    if (error)
        std::rethrow_exception(error);
}

template <class T, class Body>
boost::asio::awaitable<T> run_in_scope(Body body, cancel_token token, error_rule rule)
{
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    scope children(executor, std::move(token), rule);
    typename kept_value<T>::type result;
    const auto start = [&]() -> scope& {
        children.spawn(keep<T>(body(children), result));
        return children;
    };
    co_await joined(start);
    if constexpr (!std::is_void_v<T>)
        co_return std::move(*result);
}

} // namespace detail

template <class Body>
std::invoke_result_t<Body&, scope&> with_scope(Body body, error_rule rule)
{
    return with_scope(std::move(body), cancel_token(), rule);
}

template <class Body>
std::invoke_result_t<Body&, scope&> with_scope(Body body, cancel_token token, error_rule rule)
{
    using T = typename std::invoke_result_t<Body&, scope&>::value_type;
    return detail::run_in_scope<T, Body>(std::move(body), std::move(token), rule);
}

} // namespace weir
