#pragma once

#include <atomic>
#include <thread>

namespace weir::detail {

/// Another thread is between two steps that belong together: lets it get on, more so with every
/// round.
inline void pause(unsigned round) noexcept
{
    if (round < 64) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    } else {
        std::this_thread::yield();
    }
}

/// A mutex for a few instructions: to link a node, to move a number. One atomic exchange to lock,
/// a store to unlock, which is half of what `std::mutex` costs when nobody else is there; and that
/// is nearly always, for what it guards is over in nanoseconds.
///
/// Threads: who finds it locked spins, and gives its time slice away when that takes long.
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
