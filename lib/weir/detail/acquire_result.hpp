#pragma once

namespace weir::detail {

/// What came of asking for a part of a limit.
enum class acquire_result {
    granted,
    parked,
    full,
    closed,
    too_large,
    timed_out,
    no_memory,
    no_timer, // of what waits for a moment: the clock cannot be woken then
};

} // namespace weir::detail
