#pragma once

#include <weir/duration.hpp>
#include <weir/flow/job_id.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/flow/job_timings.hpp>

#include <memory>
#include <utility>

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
