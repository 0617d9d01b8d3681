#pragma once

#include <weir/duration.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir {

/// How long to wait before the next attempt: a random part of a bound that doubles with each
/// failure. Callers that failed together then do not come back together.
///
/// Shape: `bound(attempts)` is the longest wait after that many failed attempts, and `next` draws
///        one: evenly from 0 to the bound ("full jitter").
/// Units: `base` is the bound after the first attempt, and no bound is above `cap`; both are above
///        zero, and `base` is not above `cap`. `attempts` counts from 1. A seed makes the waits
///        repeat, in a simulation or a test; without one the first seed comes from the system.
/// Threads: safe from any thread.
/// Memory: 24 bytes, generator included. A copy draws numbers of its own: jobs that share a policy
///         by copying it do not wake together. A moved one goes on where it was.
/// Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. Generator:
///         SplitMix64, from Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
///         Generators", OOPSLA 2014.
class backoff {
public:
    /// Throws `std::invalid_argument` unless 0 < `base` <= `cap`.
    backoff(duration base, duration cap);
    backoff(duration base, duration cap, std::uint64_t seed);
    backoff(const backoff& other) noexcept;
    backoff(backoff&& other) noexcept;
    backoff& operator=(const backoff& other) noexcept;
    backoff& operator=(backoff&& other) noexcept;

    duration base() const noexcept { return base_; }
    duration cap() const noexcept { return cap_; }

    /// The longest wait after this many failed attempts.
    duration bound(std::size_t attempts) const noexcept;

    /// A wait after this many failed attempts: at least 0, at most `bound(attempts)`.
    duration next(std::size_t attempts) const noexcept;

private:
    std::uint64_t draw() const noexcept;

    duration base_;
    duration cap_;
    // Drawing is one atomic addition, so that a shared policy needs no lock.
    mutable std::atomic<std::uint64_t> state_;
};

} // namespace weir
