#pragma once

#include <chrono>

namespace weir {

using duration = std::chrono::steady_clock::duration;
using time_point = std::chrono::steady_clock::time_point;

/// `now + length`, or the last representable point when the sum would lie beyond it (or the first,
/// for a negative length). So "no limit" can be written as `duration::max()`.
constexpr time_point saturating_add(time_point now, duration length) noexcept
{
    if (length > duration::zero() && now > time_point::max() - length)
        return time_point::max();
    if (length < duration::zero() && now < time_point::min() - length)
        return time_point::min();
    return now + length;
}

/// `a + b`, or the longest duration when the sum would be longer. Neither is negative.
constexpr duration saturating_add(duration a, duration b) noexcept
{
    return a > duration::max() - b ? duration::max() : a + b;
}

} // namespace weir
