#pragma once

#include <weir/flow/job_options.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace weir {

/// A job's number, given when it is submitted: from 1, each its own within its pool.
using job_id = std::uint64_t;

/// When things happened to a job, on its pool's clock.
struct job_timings {
    time_point queued;   ///< it was accepted, or began to wait for that
    time_point started;  ///< a worker took it up; when it ended, if none did
    time_point finished; ///< it ended

    duration waited() const noexcept { return started - queued; }
    duration ran() const noexcept { return finished - started; }
};

} // namespace weir

namespace weir::detail {

/// What is known about a job beside its number, if anything.
struct job_record {
    job_options said;
    job_timings times;
    bool timed = false; // the pool takes timings
};

/// What goes with a job from its submission to its outcome.
struct ticket {
    ticket() = default;
    ticket(job_id i) noexcept : id(i) {}

    time_point deadline() const noexcept
    {
        return record ? record->said.deadline() : time_point::max();
    }

    job_id id = 0;
    std::unique_ptr<job_record> record;
};

/// A job in its queue.
template <class Job>
struct numbered_job {
    numbered_job() = default;
    numbered_job(ticket&& t, Job&& j) : number(std::move(t)), job(std::move(j)) {}

    ticket number;
    Job job{};
};

} // namespace weir::detail
