#pragma once

namespace weir {

/// What became of `hold(key, until)`.
enum class [[nodiscard]] hold_result{
    /// The key is held until then, or for longer if it was already, or that instant is past.
    held,
    /// It is held, but for longer than `max_hold`: nothing should wait for that.
    too_long,
    /// The key is not held, because as many others are as may be.
    refused,
};

} // namespace weir
