#pragma once

#include <weir/duration.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>

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
    std::vector<unfinished_job> unfinished;
};

} // namespace weir
