#pragma once

namespace weir {

/// What became of `hold(key, until)`.
enum class hold_result {
    /// The key is held until then, or for longer if it was already, or that instant is past.
    held,
    /// It is held, but for longer than `max_hold`: nothing should wait for that.
    too_long,
    /// As many keys as may be held are. This one is not.
    refused,
};

} // namespace weir
