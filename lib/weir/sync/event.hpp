#pragma once

#include <weir/sync/detail/count_wait.hpp>

#include <atomic>
#include <memory>
#include <utility>

namespace weir {

/// Something that happens once, and that any number of operations may wait for.
///
/// Shape: copies share the one event, so that whoever waits and whoever sets it need not outlive
///        each other.
/// Threads: safe from any thread.
class event {
public:
    event() : state_(std::make_shared<state>()) {}

    /// True for the one call that made it happen.
    bool set() noexcept
    {
        const auto s = state_;
        if (s->is_set.exchange(true))
            return false;
        s->core.leave(1);
        return true;
    }

    bool is_set() const noexcept { return state_->is_set.load(); }

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
            detail::initiate_count_wait<Executor>(std::move(executor), {state_, &state_->core}),
            token);
    }

private:
    struct state {
        state() { core.enter(1); }

        detail::count_core<> core; // one until the event happens
        std::atomic<bool> is_set{false};
    };

    std::shared_ptr<state> state_;
};

} // namespace weir
