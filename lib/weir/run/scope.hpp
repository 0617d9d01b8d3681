#pragma once

#include <weir/detail/guarded_call.hpp>
#include <weir/error.hpp>
#include <weir/run/cancel.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// What a scope does when a child of it fails.
enum class error_rule {
    cancel_siblings, ///< the first error cancels the other children, and is what `join` throws
    collect,         ///< the others go on; `join` throws all errors there were
};

/// More than one child of a scope that collects errors failed.
class scope_errors : public std::runtime_error {
public:
    explicit scope_errors(std::vector<std::exception_ptr> errors);
    /// In the order in which they came.
    const std::vector<std::exception_ptr>& errors() const noexcept { return errors_; }

private:
    std::vector<std::exception_ptr> errors_;
};

/// A nursery: coroutines started in it are joined before it ends, and one failure cancels the
/// others.
///
/// Shape: `spawn` any number of children, then `co_await join()`, always. Children run on the
///        scope's executor, as does the coroutine that owns the scope.
/// Errors: with `error_rule::cancel_siblings`, the default because most work is for nothing when a
///         part of it failed, the first error is recorded before the siblings are cancelled, and
///         `join` throws it; later ones come of the cancelling as a rule, and are dropped. With
///         `error_rule::collect` nobody is cancelled; `join` throws the one error, or `scope_errors`.
/// Cancellation: cancelling the coroutine in `join` cancels the children; `join` still waits for
///               them. But a coroutine that was cancelled before, and caught what its operation
///               threw, cannot await `join` any more: as any `co_await` then, it throws
///               `operation_aborted` at once, and the children end unjoined. `with_scope` has no
///               such hole: it waits for them whatever its body catches. A scope with a token is
///               cancelled when its source is, from whichever thread, for the source's reason; the
///               emission is made on the scope's executor.
/// Threads: used on its executor alone, which is serial. To cancel from elsewhere, give it the
///          token of a `cancel_source`.
/// Lifetime: a scope destroyed before it was joined (an exception came between) cancels its
///           children, which end by themselves.
/// Memory: one coroutine a child: about 1.2 KB.
class scope {
public:
    explicit scope(boost::asio::any_io_executor executor,
                   error_rule rule = error_rule::cancel_siblings);
    scope(boost::asio::any_io_executor executor, cancel_token token,
          error_rule rule = error_rule::cancel_siblings);
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();

    /// Starts a child. On the scope's executor it may run to its first suspension inside this call.
    void spawn(boost::asio::awaitable<void> child);

    /// The same for a callable that returns `awaitable<void>`, which is kept until its coroutine
    /// has ended: so its captures may be used there.
    template <class Work>
    requires std::same_as<std::invoke_result_t<Work&>, boost::asio::awaitable<void>>
    void spawn(Work work) { spawn(kept(std::move(work))); }

    /// Cancels (terminal) every child, those not started yet and those spawned later too.
    void cancel(cancel_reason reason = cancel_reason::requested);

    bool cancelled() const noexcept { return reason() != cancel_reason::none; }
    /// The first reason there was: its own, a child's failure, or its token's.
    cancel_reason reason() const noexcept;
    /// How many children have not ended.
    std::size_t running() const noexcept;

    /// Waits until every child has ended. Throws what the scope's rule says.
    boost::asio::awaitable<void> join();

    /// The same, but cancelling the coroutine that waits does not reach the children.
    boost::asio::awaitable<void> join_uninterrupted();

private:
    struct state;
    struct child;

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
/// Shape: the body is a child itself: an error of it cancels the others, and one of theirs cancels
///        it, as the rule says. Returns what the body returned, when all have ended.
/// Errors: as `scope::join`'s.
/// Cancellation: cancels the body and all children, and waits for them.
/// Lifetime: the callable is kept until then.
template <class Body>
std::invoke_result_t<Body&, scope&> with_scope(Body body,
                                               error_rule rule = error_rule::cancel_siblings);

/// The same, cancelled with a token's source.
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

template <class T, class Body>
boost::asio::awaitable<T> run_in_scope(Body body, cancel_token token, error_rule rule)
{
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    scope children(executor, std::move(token), rule);
    typename kept_value<T>::type result;
    children.spawn(keep<T>(body(children), result));
    co_await children.join();
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
