#pragma once

#include <weir/duration.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/running_job.hpp>

#include <optional>
#include <string>
#include <vector>

namespace weir {

/// A job that did not finish because its pool was being closed down.
struct unfinished_job {
    job_id id = 0;
    /// From its `job_options`.
    std::string name;
    std::string key;
    /// `dropped`: it was still queued. `cancelled`, `abandoned`: it was running.
    weir::status status = weir::status::dropped;
    /// How long it had been running, or queued if it never ran. For a queued job it is known only
    /// when the pool takes timings.
    std::optional<duration> age;
};

/// The result of a drain.
struct drain_report {
    /// Every job accepted has ended with an outcome.
    bool complete = false;
    /// Nothing had to be dropped, cancelled or abandoned.
    bool clean() const noexcept { return complete && unfinished.empty(); }

    weir::ledger ledger;
    /// Those that got an outcome because their time was over.
    std::vector<unfinished_job> unfinished;
    /// Those that still run, because a thread is blocked, or does not run its context: no outcome
    /// could be given to them.
    std::vector<running_job> running;
};

} // namespace weir
