#pragma once

#include <cstdint>

namespace weir {

/// What a full queue does with one more value: a channel with what is sent, a pool with what is
/// submitted.
enum class overflow : std::uint8_t {
    wait,        ///< the sender waits in line; an attempt that does not wait gets `errc::full`
    reject,      ///< every sender gets `errc::full`, and its value back
    drop_oldest, ///< the oldest value makes room: a channel passes it to `on_undelivered`, a pool
                 ///< ends that job as `dropped`, for `overload`
    drop_newest, ///< the same, for the new value
    caller_runs, ///< pools only: the job runs on the submitter's executor while the submitter waits
};

} // namespace weir
