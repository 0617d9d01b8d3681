#pragma once

#include <weir/detail/short_mutex.hpp>

#include <atomic>
#include <cstddef>

namespace weir::detail {

/// Where the cores take their atomics, their locks and what these protect from. A test puts its own
/// here: it then sees every access to shared memory, tries every order of them, and finds accesses
/// that have no order.
struct real_atomics {
    template <class T>
    using atomic = std::atomic<T>;
    /// Data without synchronisation of its own: a lock, or a flag set before it, must order its
    /// accesses.
    template <class T>
    using plain = T;
    using mutex = short_mutex;
    /// How many nodes a core handles at most while it holds its lock: other threads spin meanwhile.
    static constexpr std::size_t batch = 64;

    /// Another thread is between two steps that belong together: gives it time to finish.
    static void pause(unsigned round) noexcept { detail::pause(round); }
};

} // namespace weir::detail
