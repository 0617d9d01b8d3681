#pragma once

#include <weir/duration.hpp>

#include <cstdint>
#include <optional>

namespace weir::http::detail {

/// How fast a server may be asked that refuses what is too much (429): learned from what it
/// accepts. Until it has refused something there is no rate.
///
/// Shape: before an exchange ask `next`, then `started`; `accepted` or `refused` when its answer
///        begins. A refusal tells how long nothing is to be asked. The first acceptance after it
///        sets the rate: what was accepted lately, divided by the time that this took with the
///        pause, is the ceiling, and 2 % less are asked for. Where the rate was kept to for a while
///        before, the ceiling is half way between the two; where it was not kept to for five
///        seconds, 5 % are taken off, twice at most: a server that counts what came in the last
///        second still counts a burst.
///        That rate stays until 50 requests were accepted and 20 s have passed, and for twice as
///        long after each time that the same ceiling was found. Then it grows by 0.5 % of the
///        ceiling a second, and by 5 % a second once it is 5 % above it: so looking for more
///        costs at most one refusal in fifty requests.
/// Units: the time that is looked back is 10 to 20 s, and at least one: no server counts less.
/// Threads: one at a time. It waits for nothing, and is given the time.
/// Source: additive increase, multiplicative decrease; that it stays below the last ceiling for
///         long is from CUBIC, RFC 9438.
class learned_rate {
public:
    /// The first moment, from `now` on, at which an exchange may begin.
    time_point next(time_point now) const noexcept;
    void started(time_point now) noexcept;
    /// The server answers. `is_new`: the exchange began after the last refusal. True when it is the
    /// first since then.
    bool accepted(bool is_new, time_point now) noexcept;
    /// It refuses an exchange that began after the last refusal, and wants a pause, or did not say.
    /// Returns how long to wait.
    duration refused(std::optional<duration> pause, time_point now) noexcept;

    /// How many it has accepted so far.
    std::uint64_t all_accepted() const noexcept { return all_; }
    /// Requests a second; nothing while there is no rate.
    std::optional<double> per_second() const noexcept;
    /// Until when it is worth remembering.
    time_point needed_until() const noexcept;

private:
    bool is_learned() const noexcept { return rate_ > 0; }
    void look_back(time_point now) noexcept;
    void resume(time_point now) noexcept;
    void grow(time_point now) noexcept;

    double rate_ = 0;    // a second
    double ceiling_ = 0; // the same: where it was refused
    time_point due_ = time_point::min();
    time_point used_ = time_point::min(); // the last time
    // What was accepted since `since_`; `recent_` of it since `recent_since_`.
    time_point since_ = time_point::min();
    time_point recent_since_ = time_point::min();
    std::uint64_t count_ = 0;
    std::uint64_t recent_ = 0;
    std::uint64_t all_ = 0;
    // Of the refusals since the last acceptance.
    unsigned refusals_ = 0;
    time_point last_refusal_ = time_point::min();
    // Of the time since then.
    time_point resumed_ = time_point::min();
    std::uint64_t since_resumed_ = 0;
    unsigned patience_ = 1;
    unsigned early_ = 0; // refusals in a row that came before the rate was steady
};

} // namespace weir::http::detail
