#pragma once

#include <weir/detail/short_mutex.hpp>

#include <atomic>

namespace weir::detail {

/// What the cores take their atomics and locks from. A test puts its own here, to own every access
/// to memory and to try every order of them.
struct real_atomics {
    template <class T>
    using atomic = std::atomic<T>;
    using mutex = short_mutex;

    /// Another thread is between two steps that belong together: let it get on.
    static void pause(unsigned round) noexcept { detail::pause(round); }
};

} // namespace weir::detail
