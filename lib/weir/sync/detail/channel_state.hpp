#pragma once

#include <weir/sync/detail/channel_core.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace weir {

/// What a channel does with a value for which there is no room.
enum class when_full {
    wait,        ///< the sender waits in line; who does not wait is told `errc::full`
    reject,      ///< every sender is told `errc::full`, and has its value back
    drop_oldest, ///< the value that waited longest makes room, and goes to the hook
    drop_newest, ///< the value that just came goes to the hook; what is buffered stays
};

} // namespace weir

namespace weir::detail {

/// What a channel, its operations and its reservations share.
template <class T>
struct channel_state {
    using hook = std::function<void(T&&)>;

    channel_state(std::size_t capacity, when_full f, hook h)
        : core(capacity), full(f), undelivered(std::move(h))
    {
    }

    void lose(T&& value) noexcept
    {
        if (undelivered)
            undelivered(std::move(value));
    }

    /// Without waiting, by the channel's rule: `done`, `full` or `closed`.
    passed offer(T& value) noexcept
    {
        for (unsigned round = 0;; ++round) {
            const passed how = core.try_push(value);
            if (how != passed::full || full == when_full::wait || full == when_full::reject)
                return how;
            // Nothing to drop: every place is reserved, or there are none. Then it is this one.
            if (full == when_full::drop_newest || (!lose_oldest() && core.size() == 0)) {
                core.taken_over();
                lose(std::move(value));
                return passed::done;
            }
            real_policy::pause(round);
        }
    }

    bool lose_oldest() noexcept
    {
        std::optional<T> oldest;
        core.try_pop(1, [&oldest](T&& v) { oldest.emplace(std::move(v)); });
        if (oldest)
            lose(std::move(*oldest));
        return oldest.has_value();
    }

    /// Nobody can receive any more. A reservation may still send: it looks at `gone` afterwards.
    void end() noexcept
    {
        core.close();
        gone = true;
        lose_all();
    }

    void lose_all() noexcept
    {
        while (lose_oldest()) {
        }
    }

    channel_core<T> core;
    const when_full full;
    const hook undelivered;
    std::atomic<bool> gone{false};
};

} // namespace weir::detail

namespace weir {

/// A place in a channel that is kept for one value, so that sending it cannot fail.
///
/// Lifetime: destroying it gives the place back. May outlive its channel: what is sent then goes to
///           the channel's hook.
/// Threads: any thread; one object by one thread at a time.
template <class T>
class [[nodiscard]] channel_reservation {
public:
    /// No place.
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

    /// Sends the value, even when the channel was closed since. Uses the place up.
    /// Precondition: there is one.
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

    /// For channels: a place was reserved in `state`.
    explicit channel_reservation(std::shared_ptr<detail::channel_state<T>> state) noexcept
        : state_(std::move(state))
    {
    }

private:
    std::shared_ptr<detail::channel_state<T>> state_;
};

} // namespace weir
