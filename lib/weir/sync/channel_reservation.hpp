#pragma once

#include <weir/detail/nodiscard.hpp>
#include <weir/sync/detail/channel_state.hpp>

#include <memory>
#include <utility>

namespace weir {

template <class T, class Executor>
class channel;

namespace detail {
template <class T, class Handler, class Executor>
class reserve_operation;
} // namespace detail

/// A place in a channel that is kept for one value, so that sending it cannot fail.
///
/// Threads: any thread; one object by one thread at a time.
/// Lifetime: destroying it gives the place back. It may outlive its channel: a value sent then goes
///           to the channel's `on_undelivered`.
template <class T>
class WEIR_NODISCARD_HANDLE channel_reservation {
public:
    /// An empty reservation: no place.
    channel_reservation() noexcept = default;
    channel_reservation(channel_reservation&&) noexcept = default;
    channel_reservation& operator=(channel_reservation&& other) noexcept
    {
        if (this != &other) {
            release();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~channel_reservation() { release(); }

    explicit operator bool() const noexcept { return state_ != nullptr; }

    /// Sends the value, even when the channel was closed since, and uses the place up.
    /// Precondition: there is a place.
    void send(T value) noexcept
    {
        const auto state = std::move(state_);
        state->core.push_reserved(value);
        if (state->gone)
            state->lose_all();
    }

    /// Gives the place back.
    void release() noexcept
    {
        if (const auto state = std::move(state_))
            state->core.give_back();
    }

private:
    template <class, class>
    friend class channel;
    template <class, class, class>
    friend class detail::reserve_operation;

    explicit channel_reservation(std::shared_ptr<detail::channel_state<T>> state) noexcept
        : state_(std::move(state))
    {
    }

    std::shared_ptr<detail::channel_state<T>> state_;
};

} // namespace weir
