#pragma once

#include <chrono>

namespace weir {

using duration = std::chrono::steady_clock::duration;
using time_point = std::chrono::steady_clock::time_point;

/// `now + length`, or the last representable point when the sum would lie beyond it. So "no limit"
/// can be written as `duration::max()`.
constexpr time_point saturating_add(time_point now, duration length) noexcept
{
    if (length > duration::zero() && now > time_point::max() - length)
        return time_point::max();
    return now + length;
}

} // namespace weir
