#pragma once

#include <weir/duration.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>

#include <optional>
#include <string>
#include <vector>

namespace weir {

/// A job that a pool did not see to a good end because it was being closed down.
struct unfinished_job {
    job_id id = 0;
    /// As it was given when the job was submitted.
    std::string name;
    std::string key;
    /// `dropped`: it was still waiting. `cancelled`, `abandoned`: it was running.
    weir::status status = weir::status::dropped;
    /// How long it had been running, or waiting if it never ran. That of a waiting job is known
    /// only when the pool takes timings.
    std::optional<duration> age;
};

/// What a drain found.
struct drain_report {
    /// Every job accepted has ended with an outcome.
    bool complete = false;
    /// Nothing had to be dropped, cancelled or abandoned.
    bool clean() const noexcept { return complete && unfinished.empty(); }

    weir::ledger ledger;
    std::vector<unfinished_job> unfinished;
};

} // namespace weir
