#pragma once

#include <weir/rate.hpp>
#include <weir/sync/limit.hpp>

#include <cstddef>
#include <optional>

namespace weir::http {

/// What one host may get from a `fetcher`, where that differs from the others. What is not set here
/// is as for all. Setters return the object, so that calls can be chained.
class host_limits {
public:
    host_limits();

    /// How many URLs of each of its origins are fetched at a time.
    ///
    /// Units: from 1, or `unlimited`, which is all `jobs`.
    /// Errors: throws `std::invalid_argument` for `paused`.
    host_limits& per_host(limit urls);

    /// How many exchanges begin in a given time, for each of its origins.
    ///
    /// Units: `burst` as for a `rate_limiter`, from 1.
    /// Errors: throws `std::invalid_argument` for a burst of 0.
    host_limits& rate(weir::rate each, std::size_t burst = 1);

    const std::optional<limit>& per_host() const noexcept { return per_host_; }
    const std::optional<weir::rate>& rate() const noexcept { return rate_; }
    std::size_t burst() const noexcept { return burst_; }

private:
    std::optional<limit> per_host_;
    std::optional<weir::rate> rate_;
    std::size_t burst_ = 1;
};

} // namespace weir::http
