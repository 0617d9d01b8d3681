#pragma once

#include <weir/sync/detail/count_wait.hpp>

#include <memory>
#include <utility>

namespace weir {

/// What the copies of an `event` share. May be a part of something else that is shared.
///
/// Threads: safe from any thread.
class event_state {
public:
    /// True for the one call that made it happen.
    bool set() noexcept { return core_.leave_all(); }
    bool is_set() const noexcept { return core_.count() == 0; }

private:
    friend class event;

    detail::count_core<> core_{1}; // one until the event happens
};

/// Something that happens once, and that any number of operations may wait for.
///
/// Shape: copies share the one event, so that whoever waits and whoever sets it need not outlive
///        each other.
/// Threads: safe from any thread.
class event {
public:
    event() : state_(std::make_shared<event_state>()) {}
    /// One whose state is a part of something of the caller's.
    explicit event(std::shared_ptr<event_state> shared) noexcept : state_(std::move(shared)) {}

    /// True for the one call that made it happen.
    bool set() noexcept
    {
        const auto kept = state_; // whoever is told may destroy this
        return kept->set();
    }

    bool is_set() const noexcept { return state_->is_set(); }

    /// Completes when the event has happened.
    ///
    /// Completion: `void(error_code)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total.
    /// Handler: by its associated executor, or `executor` when it has none; never inside `set`.
    template <class Executor, class Token = default_token<Executor>>
    auto async_wait(Executor executor, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code)>(
            detail::initiate_count_wait<Executor>(std::move(executor), {state_, &state_->core_}),
            token);
    }

private:
    std::shared_ptr<event_state> state_;
};

} // namespace weir
