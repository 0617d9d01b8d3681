#pragma once

#include <atomic>
#include <mutex>
#include <thread>

namespace weir::detail {

/// What the cores take their atomics and locks from. A test puts its own here, to own every access
/// to memory and to try every order of them.
struct real_policy {
    template <class T>
    using atomic = std::atomic<T>;
    using mutex = std::mutex;

    /// Another thread is between two steps that belong together: let it get on.
    static void pause(unsigned round) noexcept
    {
        if (round < 64) {
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#endif
        } else {
            std::this_thread::yield();
        }
    }
};

} // namespace weir::detail
