#pragma once

#include <atomic>

namespace weir::detail {

/// Lets another thread run, if one is ready.
void yield_time_slice() noexcept;

/// Another thread is between two steps that belong together: gives it time to finish, and from
/// round 64 on also the time slice.
inline void pause(unsigned round) noexcept
{
    if (round < 64) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    } else {
        yield_time_slice();
    }
}

/// A mutex for a few instructions, such as linking a node or changing a number. One atomic exchange
/// to lock and a store to unlock: half the cost of `std::mutex` without contention, which is the
/// usual case, because what it guards takes nanoseconds.
///
/// Threads: a thread that finds it locked spins, and yields its time slice when that takes long.
class short_mutex {
public:
    void lock() noexcept
    {
        for (unsigned round = 0; locked_.exchange(true, std::memory_order_acquire);)
            while (locked_.load(std::memory_order_relaxed))
                pause(round++);
    }

    void unlock() noexcept { locked_.store(false, std::memory_order_release); }

private:
    std::atomic<bool> locked_{false};
};

} // namespace weir::detail
