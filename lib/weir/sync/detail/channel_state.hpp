#pragma once

#include <weir/sync/detail/channel_core.hpp>
#include <weir/sync/overflow.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace weir::detail {

/// Where one value that is received goes.
template <class T>
struct one_value {
    static constexpr std::size_t most = 1;
    static constexpr bool in_one_piece = false;

    /// The receiver is gone, after it has received.
    template <class State>
    void lose(State& state) noexcept
    {
        if (value)
            state.lose(std::move(*value));
    }

    one_value& taker() noexcept { return *this; }

    void operator()(T&& v) noexcept { value.emplace(std::move(v)); }

    std::optional<T> result() { return std::move(value); }

    std::optional<T> value;
};

/// What a channel, its operations and its reservations share.
template <class T>
struct channel_state {
    using hook = std::function<void(T&&)>;

    [[gnu::cold]] channel_state(std::size_t capacity, overflow rule, hook h)
        : core(capacity), when_full(rule), undelivered(std::move(h))
    {
    }

    /// Gives the value to the hook, or destroys it.
    void lose(T&& value) noexcept
    {
        if (undelivered)
            undelivered(std::move(value));
    }

    /// Sends without waiting, by the channel's rule: `done`, `full` or `closed`.
    attempt_result offer(T& value) noexcept
    {
        for (unsigned round = 0;; ++round) {
            const attempt_result result = core.try_push(value);
            if (result != attempt_result::full || when_full == overflow::wait ||
                when_full == overflow::reject)
                return result;
            // Nothing to drop: every place is reserved, or there are none. Then drop this value.
            if (when_full == overflow::drop_newest || (!lose_oldest() && core.size() == 0)) {
                core.taken_over();
                lose(std::move(value));
                return attempt_result::done;
            }
            real_atomics::pause(round);
        }
    }

    /// False: no value was there. Not inlined, so that `offer` is.
    [[gnu::noinline]] bool lose_oldest() noexcept
    {
        one_value<T> oldest;
        core.try_pop(1, oldest);
        if (oldest.value)
            lose(std::move(*oldest.value));
        return oldest.value.has_value();
    }

    /// The channel is gone: no value can be received any more. A reservation may still send; it
    /// looks at `gone` afterwards.
    [[gnu::cold]] void end() noexcept
    {
        core.close();
        gone = true;
        lose_all();
    }

    /// The last sender's handle has gone.
    [[gnu::cold]] void senders_gone() noexcept { core.close(); }

    /// The last receiver's handle has gone. Senders on other threads may still be between two steps
    /// with a value that entered before.
    [[gnu::cold]] void receivers_gone() noexcept
    {
        core.close();
        gone = true;
        for (unsigned round = 0; core.size() != 0; ++round)
            if (!lose_oldest())
                real_atomics::pause(round);
    }

    [[gnu::cold]] void lose_all() noexcept
    {
        while (lose_oldest()) {
        }
    }

    channel_core<T> core;
    const overflow when_full;
    const hook undelivered;
    std::atomic<bool> gone{false}; // what a reservation sends goes to the hook
    // The handles that count as ends; each count is touched only when a handle comes or goes.
    std::atomic<std::size_t> senders{0};
    std::atomic<std::size_t> receivers{0};
};

} // namespace weir::detail
