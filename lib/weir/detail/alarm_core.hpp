#pragma once

#include <weir/detail/atomics.hpp>

#include <atomic>

namespace weir::detail {

/// Which of the two that own an operation with a deadline touches it last: the wake-up that ends
/// it, or its alarm.
///
/// Which of them ends the wait is decided before, under the lock of the line that the operation
/// stands in. What is left is an alarm that comes too late, and may still be on its way when the
/// operation has its result. Both claim this word then, in one step each; the second of them goes
/// on.
template <class Atomics = real_atomics>
class alarm_core {
public:
    /// The alarm has ended the wait. Then it wakes the operation, and is through.
    void ended_wait() noexcept { state_.store(state::over, std::memory_order_release); }

    /// The alarm came too late, and is through. True: the operation waits for it; wake it once
    /// more. False: it may be gone.
    [[nodiscard]] bool came_late() noexcept
    {
        return state_.exchange(state::over) == state::awaited;
    }

    /// For the operation, when the alarm could not be taken out of the timer queue. True: the alarm
    /// is through. False: it is on its way, and wakes the operation once more.
    [[nodiscard]] bool is_through() noexcept
    {
        return state_.exchange(state::awaited) == state::over;
    }

    /// Whether it has come.
    bool is_over() const noexcept { return state_.load(std::memory_order_acquire) == state::over; }

private:
    enum class state : unsigned char { set, over, awaited };

    typename Atomics::template atomic<state> state_{state::set};
};

} // namespace weir::detail
