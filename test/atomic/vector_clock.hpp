#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::test {

/// What is known to have happened: for each thread, how many of its intervals. A thread's interval
/// ends where it publishes something.
///
/// Source: Mattern's vector clocks; epochs as in FastTrack (Flanagan and Freund, PLDI 2009).
class vector_clock {
public:
    static constexpr std::size_t most_threads = 8;

    /// One interval of one thread. The default is before everything.
    struct epoch {
        std::uint32_t thread = 0;
        std::uint32_t interval = 0;
    };

    std::uint32_t operator[](std::size_t thread) const { return seen_[thread]; }
    std::uint32_t& operator[](std::size_t thread) { return seen_[thread]; }

    bool includes(epoch e) const { return seen_[e.thread] >= e.interval; }
    bool includes(const vector_clock& other) const
    {
        for (std::size_t i = 0; i < most_threads; ++i)
            if (seen_[i] < other.seen_[i])
                return false;
        return true;
    }

    void join(const vector_clock& other)
    {
        for (std::size_t i = 0; i < most_threads; ++i)
            seen_[i] = std::max(seen_[i], other.seen_[i]);
    }

private:
    std::array<std::uint32_t, most_threads> seen_{};
};

} // namespace weir::test
