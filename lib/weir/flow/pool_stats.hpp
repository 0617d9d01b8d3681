#pragma once

#include <weir/flow/histogram.hpp>
#include <weir/flow/ledger.hpp>

#include <cstddef>

namespace weir {

/// A look into a pool at one moment.
struct pool_stats {
    /// Its `queued()` and `running()` say how many jobs wait and run.
    weir::ledger ledger;
    /// Submitters that wait for a place in the queue.
    std::size_t waiting_submitters = 0;
    /// Outcomes that were not received yet.
    std::size_t results = 0;
    /// How long jobs waited before they started, and how long they ran. Empty unless the pool takes
    /// timings.
    histogram queue_wait;
    histogram run_time;
};

} // namespace weir
