#pragma once

#include <weir/error.hpp>
#include <weir/run/cancel.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <exception>
#include <memory>

namespace weir {

/// A nursery: coroutines started in it are joined before it ends, and one failure cancels the
/// others.
///
/// Shape: `spawn` any number of children, then `co_await join()`, always. Children run on the
///        scope's executor, as does the coroutine that owns the scope.
/// Errors: the first error is recorded before the siblings are cancelled, and `join` throws it.
///         Later ones come of the cancelling as a rule, and are dropped.
/// Cancellation: cancelling the coroutine in `join` cancels the children; `join` still waits for
///               them.
/// Threads: used on its executor alone, which is serial. To cancel from elsewhere, use a
///          `cancel_source`.
/// Lifetime: a scope destroyed before it was joined (an exception came between) cancels its
///           children, which end by themselves.
/// Memory: one coroutine a child: about 1.2 KB.
class scope {
public:
    explicit scope(boost::asio::any_io_executor executor);
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();

    /// Starts a child, in a turn of its own.
    void spawn(boost::asio::awaitable<void> child);

    /// Cancels (terminal) every child, those not started yet and those spawned later too.
    void cancel(cancel_reason reason = cancel_reason::requested);

    bool cancelled() const noexcept { return reason() != cancel_reason::none; }
    cancel_reason reason() const noexcept;
    /// How many children have not ended.
    std::size_t running() const noexcept;

    /// Waits until every child has ended. Throws the first error there was.
    boost::asio::awaitable<void> join();

private:
    struct state;
    struct child;

    static boost::asio::awaitable<void> run(std::shared_ptr<state> s, std::shared_ptr<child> c,
                                            boost::asio::awaitable<void> work);

    std::shared_ptr<state> state_;
};

} // namespace weir
