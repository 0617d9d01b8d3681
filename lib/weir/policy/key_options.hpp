#pragma once

#include <weir/duration.hpp>
#include <weir/sync/limit.hpp>

#include <chrono>
#include <cstddef>
#include <stdexcept>

namespace weir {

/// The limit of each key of a `schedule` or a `keyed_semaphore`, and how many keys may be held or
/// overridden at a time.
///
/// Units: `limit` of what one key has running at a time, as a sum of costs. `max_hold` is the
///        longest that anything waits for a held key: from 1 ns; default 2 minutes, because
///        services that ask for a pause ask for up to one, and one of a day means "go away".
///        `max_held` and `max_overridden` are numbers of keys; 65,536 each, which is some
///        14 megabytes.
class key_options {
public:
    /// Throws `std::invalid_argument` for `paused`: nothing would ever go on.
    explicit key_options(weir::limit limit) : limit_(limit)
    {
        if (limit.is_paused())
            throw std::invalid_argument("weir::key_options: the limit must be at least 1");
    }

    key_options& max_hold(duration length)
    {
        if (length <= duration::zero())
            throw std::invalid_argument("weir::key_options: max_hold must be positive");
        max_hold_ = length;
        return *this;
    }
    key_options& max_held(std::size_t keys) noexcept
    {
        max_held_ = keys;
        return *this;
    }
    key_options& max_overridden(std::size_t keys) noexcept
    {
        max_overridden_ = keys;
        return *this;
    }

    weir::limit limit() const noexcept { return limit_; }
    duration max_hold() const noexcept { return max_hold_; }
    std::size_t max_held() const noexcept { return max_held_; }
    std::size_t max_overridden() const noexcept { return max_overridden_; }

private:
    weir::limit limit_;
    duration max_hold_ = std::chrono::minutes(2);
    std::size_t max_held_ = 65'536;
    std::size_t max_overridden_ = 65'536;
};

} // namespace weir
