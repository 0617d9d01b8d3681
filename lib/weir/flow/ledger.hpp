#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace weir {

/// A pool's accounts. At any instant `submitted() == accepted + rejected`, and each accepted job
/// has ended, runs, waits for another attempt, or is queued. Exact whenever nothing moves; never
/// negative.
struct ledger {
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;
    /// Begun by a worker, even if only to find that the deadline was past. A job that is run again
    /// counts once.
    std::uint64_t started = 0;
    /// Jobs that wait for another attempt now, and attempts so far beside the first ones.
    std::uint64_t retrying = 0;
    std::uint64_t retries = 0;
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t dropped = 0;
    std::uint64_t abandoned = 0;
    /// Abandoned jobs that ended after all. Their values were discarded.
    std::uint64_t late = 0;
    /// Jobs that were reported as stuck: they blocked their thread past their time. Each still ends
    /// in one of the ways above, if it ever ends.
    std::uint64_t stuck = 0;

    std::uint64_t submitted() const noexcept { return accepted + rejected; }
    /// Started, and ended in one way or another.
    std::uint64_t finished() const noexcept
    {
        return ok + failed + cancelled + timed_out + abandoned;
    }
    std::uint64_t running() const noexcept { return started - finished() - retrying; }
    std::uint64_t queued() const noexcept { return accepted - started - dropped; }
    bool balanced() const noexcept { return accepted == finished() + dropped; }
};

/// One line: what is not zero, as "accepted 3, running 1, ok 2".
std::string to_string(const ledger& l);
std::ostream& operator<<(std::ostream& os, const ledger& l);

} // namespace weir
