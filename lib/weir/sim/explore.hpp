#pragma once

#include <weir/sim/world.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

/// Which schedules `explore` runs.
class schedules {
public:
    /// Every schedule: each order of what is ready, each step for a fault, each value of
    /// `world::choose`. For small scenarios: their number grows with the factorial of the steps.
    static schedules all();
    /// Every schedule that departs little from first in, first out: to put one ready step behind
    /// the others costs a delay, and a run has at most `most` delays. Faults and `world::choose`
    /// cost none. Most defects that depend on order need one, two or three delays.
    ///
    /// Source: delay-bounded scheduling (Emmi, Qadeer, Rakamaric 2011).
    static schedules delayed(std::size_t most);
    /// `seeds` schedules chosen at random, from the seeds `first`, `first + 1`, ...
    static schedules random(std::uint64_t seeds, std::uint64_t first = 1);
    /// The one schedule that a failure printed as `failure::choices`. Throws
    /// `std::invalid_argument` when the text cannot be read.
    static schedules replay(std::string_view choices);

    /// Stops after `count` schedules; the report is then not complete. Default: no limit.
    schedules& at_most(std::uint64_t count);
    /// Goes on after a failure and counts the failures. Default: the first one ends the
    /// exploration.
    schedules& count_failures();
    /// When time begins in each world. A deadline near the end of the clock must not overflow: try
    /// an hour before `time_point::max()` too. Default: `time_point{}`.
    schedules& begin_at(time_point begin);
    /// See `world::limit_steps`.
    schedules& limit_steps(std::size_t most);

private:
    friend struct explorer;
    enum class kind { systematic, random, replay };

    explicit schedules(kind k) : kind_(k) {}

    kind kind_;
    std::size_t delays_ = std::numeric_limits<std::size_t>::max();
    std::uint64_t seeds_ = 0;
    std::uint64_t first_seed_ = 0;
    std::vector<std::uint32_t> choices_;
    std::uint64_t at_most_ = std::numeric_limits<std::uint64_t>::max();
    std::size_t max_steps_ = 1'000'000;
    bool count_failures_ = false;
    time_point begin_;
};

/// A schedule that went wrong.
struct failure {
    std::string message;      ///< what the scenario threw
    std::exception_ptr error; ///< the same
    std::optional<std::uint64_t> seed;
    std::string choices; ///< for `schedules::replay`
};

/// The result of `explore`.
struct [[nodiscard]] report {
    std::uint64_t schedules = 0;
    std::uint64_t steps = 0;
    /// How many schedules failed: at most one, unless failures were counted.
    std::uint64_t failures = 0;
    std::optional<failure> first;
    /// Whether every schedule asked for was run.
    bool complete = false;

    /// Whether it is complete, and no schedule failed.
    explicit operator bool() const noexcept { return complete && failures == 0; }
    /// The numbers as text, and for a failure its message, seed and choices.
    std::string text() const;
};

/// Runs a scenario under many schedules: `explore(schedules::all(), scenario)`.
///
/// Shape: `scenario(world&)` makes contexts in the world, and the code under test on them, calls
///        `run_to_end`, and throws when something is wrong. It is called once per schedule and must
///        depend on the world alone: the same choices must give the same run.
/// Errors: the report has what the scenario threw, or a `std::logic_error` when the same choices
///         did not give the same run.
/// Threads: one.
report explore(const schedules& which, const std::function<void(world&)>& scenario);

} // namespace weir::sim
