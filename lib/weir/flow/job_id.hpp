#pragma once

#include <cstdint>

namespace weir {

/// A job's number within its pool, given when the job is submitted: from 1, never given twice.
using job_id = std::uint64_t;

} // namespace weir
