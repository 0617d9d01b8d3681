#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/duration.hpp>

#include <chrono>
#include <utility>

namespace weir::detail {

/// Limits how long a loop that always finds work may go on before it yields to its executor.
/// Without that, a one millisecond timer on the same runner was a second late.
///
/// Shape: call `begin` after each yield, and `is_over` after each piece of work.
/// Units: a turn is 128 pieces (more gain nothing: yielding costs about as much as handing over a
///        job), or half a millisecond. The clock is read after every piece while pieces are slow,
///        and down to every sixteenth while they are fast, because reading it costs more than a
///        trivial piece. While they are fast, a turn of one piece reads no clock at all.
/// Threads: one at a time.
class turn {
public:
    turn() = default;
    explicit turn(const time_service& clock) { begin(clock); }

    void begin(const time_service& clock) noexcept
    {
        left_ = pieces;
        measured_ = false;
        if (stride_ != widest)
            return measure(clock);
        span_ = until_look_ = unmeasured;
    }

    /// Measures pieces from here on, as it does after the first ones anyway.
    void measure(const time_service& clock) noexcept
    {
        if (measured_)
            return;
        measured_ = true;
        began_ = looked_ = clock.now();
        span_ = until_look_ = stride_ == widest ? widest - unmeasured : stride_;
    }

    bool is_over(const time_service& clock) noexcept
    {
        if (--left_ == 0)
            return true;
        if (--until_look_ != 0)
            return false;
        if (!measured_) {
            measure(clock);
            return false;
        }
        const time_point before = std::exchange(looked_, clock.now());
        quick_ = looked_ - before < span_ * quick;
        const duration spent = looked_ - began_;
        if (spent >= length)
            stride_ = 1;
        else if (stride_ < widest && spent * 2 < length)
            stride_ *= 2;
        span_ = until_look_ = stride_;
        return spent >= length;
    }

    /// When the clock was last read: at most a few fast pieces before the present one.
    time_point looked() const noexcept { return looked_; }

    /// Whether this turn reads the clock, and whether the last pieces that were measured took less
    /// than `quick` each.
    bool is_measured() const noexcept { return measured_; }
    bool is_quick() const noexcept { return quick_; }

    static constexpr duration quick = std::chrono::microseconds(1);
    static constexpr unsigned pieces = 128;
    static constexpr duration length = std::chrono::microseconds(500);

private:
    static constexpr unsigned widest = 16;
    static constexpr unsigned unmeasured = 2;

    time_point began_;
    time_point looked_;
    unsigned left_ = pieces;
    unsigned until_look_ = 1;
    unsigned span_ = 1; // pieces from the last look to the next
    unsigned stride_ = 1;
    bool measured_ = false;
    bool quick_ = false;
};

} // namespace weir::detail
