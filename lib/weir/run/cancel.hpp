#pragma once

#include <weir/detail/guarded_call.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/sync/event.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace weir {

/// Why work was cancelled.
enum class cancel_reason {
    none,           ///< it was not
    requested,      ///< by a call of `cancel`
    deadline,       ///< its time was over
    sibling_failed, ///< another child of its scope failed
    overload,       ///< there was no room for it
    shutdown,       ///< the program or the pool is ending: not a failure, and not to be retried
};

/// The reason's name, as above.
const char* to_string(cancel_reason reason) noexcept;

class cancel_token;

namespace detail {

struct cancel_state {
    /// `hook` is called when it is cancelled, in the thread that does.
    explicit cancel_state(void (*hook)(cancel_state&) noexcept = nullptr) : on_fired(hook) {}

    /// Cancels it and all below it, level by level: neither the stack nor the heap limits how many.
    static bool cancel(std::shared_ptr<cancel_state> root, cancel_reason why) noexcept;
    void link(const std::shared_ptr<cancel_state>& child);
    static void link(const cancel_token& parent, const std::shared_ptr<cancel_state>& child);

    event fired;
    std::atomic<cancel_reason> reason{cancel_reason::none};
    std::mutex mutex;
    std::vector<std::weak_ptr<cancel_state>> children; // those linked while it was not cancelled
    std::size_t forget_at = 16;  // children that have gone are forgotten when there are so many
    std::uint64_t looked_at = 0; // how many were looked at for that, so far
    void (*const on_fired)(cancel_state&) noexcept;

private:
    bool fire(cancel_reason why) noexcept;

    std::shared_ptr<cancel_state> next; // the next whose children must be cancelled
};

} // namespace detail

/// Lets work see, or wait for, its cancellation. Copies belong to the same `cancel_source`; a token
/// made without a source is never cancelled.
///
/// Threads: safe from any thread.
class cancel_token {
public:
    cancel_token() = default;

    /// Whether it belongs to a source.
    bool can_be_cancelled() const noexcept { return state_ != nullptr; }
    bool cancelled() const noexcept { return reason() != cancel_reason::none; }
    cancel_reason reason() const noexcept
    {
        return state_ ? state_->reason.load() : cancel_reason::none;
    }

    /// Completes when the source is cancelled.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when the wait itself is cancelled.
    /// Cancellation: terminal, partial and total.
    template <class Executor, class Token = default_token<Executor>>
    WEIR_NODISCARD_OPERATION auto async_wait(Executor executor, Token&& token = Token()) const
    {
        event never;
        event& awaited = state_ ? state_->fired : never;
        return awaited.async_wait(std::move(executor), std::forward<Token>(token));
    }

private:
    friend class cancel_source;
    friend struct detail::cancel_state;
    explicit cancel_token(std::shared_ptr<detail::cancel_state> state) : state_(std::move(state)) {}

    std::shared_ptr<detail::cancel_state> state_;
};

/// Cancels work, from any thread: the work gets its `token()`.
///
/// Threads: safe from any thread.
class cancel_source {
public:
    cancel_source() : state_(std::make_shared<detail::cancel_state>()) {}

    /// A child: cancelled when its parent is, for the same reason (at once if the parent already
    /// was). Cancelling the child does not cancel the parent. A source may have any number of
    /// children and grandchildren; one that has gone is forgotten.
    explicit cancel_source(const cancel_token& parent) : cancel_source()
    {
        if (parent.state_)
            parent.state_->link(state_);
    }

    cancel_token token() const { return cancel_token(state_); }

    /// True for the first call, whose reason stays. No waiter is resumed inside the call.
    bool cancel(cancel_reason reason = cancel_reason::requested) noexcept
    {
        return detail::cancel_state::cancel(state_, reason);
    }

private:
    std::shared_ptr<detail::cancel_state> state_;
};

/// Cancels an Asio operation when a token's source is cancelled: bind the operation to `slot()`.
///
/// Shape: the signal (terminal) is emitted on the operation's own executor, as Asio requires.
/// Threads: only on the executor given, which is serial.
/// Lifetime: outlives the operation. Nothing is emitted after its destruction.
class cancel_link {
public:
    cancel_link(const cancel_token& token, boost::asio::any_io_executor executor);
    cancel_link(const cancel_link&) = delete;
    cancel_link& operator=(const cancel_link&) = delete;

    boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }
    cancel_reason reason() const noexcept { return token_.reason(); }

private:
    cancel_token token_;
    boost::asio::cancellation_signal signal_;
    detail::guarded_call call_;
};

} // namespace weir
