#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::http {

/// The progress of a fetcher at one moment.
struct fetch_counts {
    std::uint64_t taken = 0;    ///< URLs taken in
    std::uint64_t ok = 0;       ///< results without an error
    std::uint64_t failed = 0;   ///< results with an error, except those aborted
    std::uint64_t aborted = 0;  ///< results of class `aborted`: cut short or never begun
    std::uint64_t bytes = 0;    ///< bytes of the bodies in these results
    std::uint64_t received = 0; ///< bytes of all bodies, as they come, of attempts that failed too
    std::size_t running = 0;    ///< URLs being fetched now
    std::size_t queued = 0;     ///< URLs taken in that wait to be fetched, or fetched again
    std::uint64_t spilled = 0;  ///< of what is queued, the bytes in the file: see `spill_options`
    std::uint64_t retries = 0;  ///< attempts that were begun because an earlier one had failed
    std::size_t peak = 0;       ///< highest value of `running` so far
};

} // namespace weir::http
