#pragma once

#include <weir/duration.hpp>

namespace weir {

/// When things happened to a job, on its pool's clock.
struct job_timings {
    time_point queued;   ///< it was submitted: time spent waiting for a place counts
    time_point started;  ///< a worker began it; when it ended, if none did
    time_point finished; ///< it ended

    duration waited() const noexcept { return started - queued; }
    duration ran() const noexcept { return finished - started; }
};

} // namespace weir
