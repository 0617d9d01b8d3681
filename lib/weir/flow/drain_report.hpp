#pragma once

#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>

#include <vector>

namespace weir {

/// A job that a drain did not see to a good end.
struct unfinished_job {
    job_id id = 0;
    /// `dropped`, `cancelled` or `abandoned`.
    weir::status status = weir::status::dropped;
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
