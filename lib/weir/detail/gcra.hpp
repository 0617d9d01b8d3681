#pragma once

#include <weir/duration.hpp>
#include <weir/rate.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace weir::detail {

/// What one bucket remembers: the moment at which it is full again, if nothing more is taken. Those
/// of many keys share one `gcra_rule`.
class gcra_level {
    friend class gcra_rule;
    __extension__ using wide = __int128;

    static constexpr wide full = std::numeric_limits<std::int64_t>::min() * (wide(1) << 32);

    wide full_at_ = full; // in 2^-32 ns
};

/// A token bucket: `burst` tokens, refilled one at a time at a steady rate. Within any window, no
/// more is taken than the burst, plus what the rate makes of the window. Knows no clock.
///
/// Units: time is kept in 2^-32 ns, and the interval of one token is rounded up to that. (The
///        fastest rate is 2^32 tokens a nanosecond, therefore.) `burst` is cut down to what comes
///        back in 2^93 ns, which is much longer than the clock runs.
/// Source: the Generic Cell Rate Algorithm, ITU-T I.371, annex A: its virtual scheduling form, for
///         weights. The burst is taken at once there, too. A caller that is late by up to the
///         interval of the burst that is left loses nothing.
class gcra_rule {
    using wide = gcra_level::wide;

public:
    /// Throws `std::invalid_argument` when `burst` is 0.
    gcra_rule(weir::rate each, std::uint64_t burst) : rate_(each), burst_(burst)
    {
        if (burst == 0)
            throw std::invalid_argument("weir: the burst of a rate must be at least 1");
        const wide count = rate_.count();
        interval_ = (in_ticks(rate_.period()) + count - 1) / count;
        burst_ = static_cast<std::uint64_t>(std::min(wide(burst), most / interval_));
        depth_ = cost(burst_);
    }

    const weir::rate& rate() const noexcept { return rate_; }
    std::uint64_t burst() const noexcept { return burst_; }

    /// Takes `weight` tokens if there are so many at `now`. More than the burst never fits.
    bool try_take(gcra_level& level, std::uint64_t weight, time_point now) const noexcept
    {
        if (weight > burst_)
            return false;
        const wide at = in_ticks(now.time_since_epoch());
        const wide after = std::max(level.full_at_, at) + cost(weight);
        if (after - at > depth_)
            return false;
        level.full_at_ = after;
        return true;
    }

    /// The first moment, from `now` on, at which there are `weight` tokens if nothing is taken
    /// until then. `time_point::max()`: that lies beyond the clock, or never comes.
    time_point when(const gcra_level& level, std::uint64_t weight, time_point now) const noexcept
    {
        if (weight > burst_)
            return time_point::max();
        return std::max(now, rounded_up(level.full_at_ + cost(weight) - depth_));
    }

    /// The first moment at which the bucket is full, and the level need not be remembered.
    static time_point when_full(const gcra_level& level) noexcept
    {
        return rounded_up(level.full_at_);
    }
    static bool is_full(const gcra_level& level, time_point now) noexcept
    {
        return level.full_at_ <= in_ticks(now.time_since_epoch());
    }

    /// How many tokens there are.
    std::uint64_t available(const gcra_level& level, time_point now) const noexcept
    {
        const wide missing = level.full_at_ - in_ticks(now.time_since_epoch());
        if (missing <= 0)
            return burst_;
        return missing >= depth_ ? 0 : static_cast<std::uint64_t>((depth_ - missing) / interval_);
    }

    /// The level of a bucket from whose tokens as many are missing as from one of `before`. So the
    /// bound holds for a window in which the rule was changed: what was taken is the burst at its
    /// end, at most, plus what the rates made of it.
    gcra_level taken_over(const gcra_level& level, const gcra_rule& before,
                          time_point now) const noexcept
    {
        const wide at = in_ticks(now.time_since_epoch());
        if (level.full_at_ <= at)
            return level;
        const wide missing = level.full_at_ - at;
        const auto whole = static_cast<std::uint64_t>(
            std::min(missing / before.interval_, wide(std::numeric_limits<std::uint64_t>::max())));
        // A part of one token, rounded up to 2^-31 of it at most.
        wide part = missing % before.interval_;
        wide one = before.interval_;
        while (one >= wide(1) << 31) {
            part = (part + 1) / 2;
            one /= 2;
        }
        gcra_level made;
        made.full_at_ = at + std::min(most, (wide(whole) > most / interval_ ? most : cost(whole)) +
                                                (part * interval_ + one - 1) / one);
        return made;
    }

private:
    static constexpr wide tick = wide(1) << 32;
    static constexpr wide most = wide(1) << 125;

    static wide in_ticks(duration length) noexcept
    {
        return std::chrono::nanoseconds(length).count() * tick;
    }

    static time_point rounded_up(wide at) noexcept
    {
        constexpr wide last = std::numeric_limits<std::int64_t>::max();
        constexpr wide first = std::numeric_limits<std::int64_t>::min();
        const wide whole = (at >> 32) + ((at & (tick - 1)) != 0 ? 1 : 0);
        return time_point(
            std::chrono::nanoseconds(static_cast<std::int64_t>(std::clamp(whole, first, last))));
    }

    // Of up to `burst` tokens.
    wide cost(std::uint64_t weight) const noexcept { return weight * interval_; }

    weir::rate rate_;
    std::uint64_t burst_;
    wide interval_; // of one token
    wide depth_;    // of `burst` tokens
};

/// One bucket with its rule.
class gcra {
public:
    gcra(weir::rate each, std::uint64_t burst) : rule_(each, burst) {}

    const gcra_rule& rule() const noexcept { return rule_; }

    bool try_take(std::uint64_t weight, time_point now) noexcept
    {
        return rule_.try_take(level_, weight, now);
    }
    time_point when(std::uint64_t weight, time_point now) const noexcept
    {
        return rule_.when(level_, weight, now);
    }
    std::uint64_t available(time_point now) const noexcept { return rule_.available(level_, now); }

    /// What was taken before stays taken, and comes back at the new rate.
    void change(weir::rate each, std::uint64_t burst, time_point now)
    {
        change(gcra_rule(each, burst), now);
    }
    void change(const gcra_rule& next, time_point now) noexcept
    {
        level_ = next.taken_over(level_, rule_, now);
        rule_ = next;
    }

private:
    gcra_rule rule_;
    gcra_level level_;
};

} // namespace weir::detail
