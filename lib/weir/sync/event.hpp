#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/sync/detail/count_wait.hpp>

#include <memory>
#include <utility>

namespace weir {

namespace detail {
struct event_access;
} // namespace detail

/// What the copies of an `event` share. It may be part of a larger object that is shared.
///
/// Threads: safe from any thread.
class event_state {
public:
    /// True for the one call that set it.
    bool set() noexcept { return core_.leave_all(); }
    bool is_set() const noexcept { return core_.count() == 0; }

private:
    friend class event;
    friend struct detail::event_access;

    detail::count_core<> core_{1}; // one until the event happens
};

/// Something that happens once, and that any number of operations may wait for.
///
/// Shape: copies share one event, so the setter and the waiters need not outlive each other.
/// Threads: safe from any thread.
class event {
public:
    event() : state_(std::make_shared<event_state>()) {}
    /// An event whose state is part of an object of the caller's.
    explicit event(std::shared_ptr<event_state> shared) noexcept : state_(std::move(shared)) {}

    /// True for the one call that set it.
    bool set() noexcept
    {
        const auto kept = state_; // a waiter may destroy this object before `set` returns
        return kept->set();
    }

    bool is_set() const noexcept { return state_->is_set(); }

    /// Completes when the event has happened.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total; the event does not change.
    /// Handler: by its associated executor, or `executor` when it has none; never inside `set`.
    template <class Executor, class Token = default_token<Executor>>
    auto async_wait(Executor executor, Token&& token = Token())
    {
        return detail::initiate_at<void(error_code)>(
            std::move(executor), token, detail::start_count_wait(),
            std::shared_ptr<detail::count_core<>>(state_, &state_->core_));
    }

private:
    friend struct detail::event_access;

    std::shared_ptr<event_state> state_;
};

namespace detail {

struct event_access {
    /// As `async_wait`, for a handler that may have an executor of its own.
    template <class Executor, class Handler>
    static void wait(event& awaited, const own_executor<Executor>& executor, Handler&& handler)
    {
        start_count_wait()(executor, std::forward<Handler>(handler),
                           std::shared_ptr<count_core<>>(awaited.state_, &awaited.state_->core_));
    }
};

} // namespace detail

} // namespace weir
