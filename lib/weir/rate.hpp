#pragma once

#include <weir/duration.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <stdexcept>

namespace weir {

/// How often: `count` in each `period`, evenly spread. How many may come at once is a matter of the
/// burst, which a limit takes beside its rate.
///
/// Units: `count` from 1; `period` above zero. `rate(20, 1s)`, `rate::per_second(20)` and
///        `rate(1, 50ms)` mean the same to a limit, though they do not compare equal.
class rate {
public:
    /// Throws `std::invalid_argument` for a count below 1, and for a period that is not positive.
    template <std::integral Number>
    constexpr rate(Number count, duration period)
        : count_(static_cast<std::uint64_t>(count)), period_(period)
    {
        if (count < Number{1})
            throw std::invalid_argument(
                "weir::rate: the count must be at least 1; for less than one a second, take a "
                "longer period");
        if (period <= duration::zero())
            throw std::invalid_argument("weir::rate: the period must be longer than zero");
    }

    template <std::integral Number>
    static constexpr rate per_second(Number count)
    {
        return rate(count, std::chrono::seconds(1));
    }
    template <std::integral Number>
    static constexpr rate per_minute(Number count)
    {
        return rate(count, std::chrono::minutes(1));
    }

    constexpr std::uint64_t count() const noexcept { return count_; }
    constexpr duration period() const noexcept { return period_; }

    friend constexpr bool operator==(const rate&, const rate&) noexcept = default;

private:
    std::uint64_t count_;
    duration period_;
};

} // namespace weir
