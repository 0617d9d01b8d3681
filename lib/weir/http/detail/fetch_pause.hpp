#pragma once

#include <weir/detail/gcra.hpp>
#include <weir/http/detail/learned_rate.hpp>
#include <weir/policy/breaker.hpp>
#include <weir/time/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace weir::http::detail {

/// What holds for the pauses of every origin.
struct pause_rules {
    std::optional<weir::detail::gcra_rule> rate;
    std::shared_ptr<breaker<std::string>> give_up; // null: never
    duration longest{};                            // that a server may ask for
    bool adapts = false;                           // to what a server refuses
};

/// When the next exchange with an origin may begin: its rate, the one that was learned, the pause
/// that its server asked for, the doubt after exchanges that were not answered, and whether it was
/// given up.
///
/// Shape: before an exchange ask `next` and `refused`, then `start` it; when it has ended, say how.
///        The pause that a server asks for lasts; a doubt ends with the next answer. How an
///        exchange that began before such a pause ends does not say that it was long enough:
///        `is_new`.
/// Threads: one at a time. It waits for nothing, and is given the time.
/// Lifetime: the text of the origin outlives it.
class fetch_pause {
public:
    enum class refusal {
        none,
        failures, ///< too many exchanges were not answered
        wish      ///< its server asked for a longer pause than `longest`
    };
    /// What an exchange began with.
    struct ticket {
        std::uint64_t round = 0;
        breaker<std::string>::pass call;
    };

    explicit fetch_pause(const std::string& origin) : origin_(origin) {}

    /// The first moment, from `now` on, at which an exchange may begin, unless it is `refused`.
    time_point next(const pause_rules& rules, time_point now) const noexcept;
    refusal refused(const pause_rules& rules, time_point now) const;
    /// Precondition: `next` is now, and it is not refused.
    ticket start(const pause_rules& rules, time_point now);

    /// What began with this ticket was not refused. True when it is the first after a refusal.
    bool accepted(const ticket& t, time_point now) noexcept
    {
        return learned_.accepted(is_new(t), now);
    }
    /// The exchange was refused: nothing begins before the end of the pause that is learned from
    /// it. To be called before `wished`.
    void refused_now(const ticket& t, std::optional<duration> pause, const pause_rules& rules,
                     time_point now) noexcept;
    void answered(ticket& t, time_point now) noexcept;
    void unanswered(ticket& t, time_point now) noexcept;
    /// It says nothing about the origin.
    void dropped(ticket& t) noexcept { t.call = {}; }
    /// Something of its server has come.
    void heard() noexcept;

    /// Its server wants to be left alone for so long. The later end of two pauses counts.
    void wished(duration pause, const pause_rules& rules, time_point now) noexcept;
    void hold(time_point until) noexcept;
    /// Nothing begins before, unless there is an answer in the meantime.
    void doubted(time_point until) noexcept;

    bool is_new(const ticket& t) const noexcept { return t.round == round_; }
    /// How many exchanges in a row were not answered.
    std::size_t failures() const noexcept { return failures_; }
    const learned_rate& learned() const noexcept { return learned_; }
    /// `time_point::min()` when nothing holds it.
    time_point held_until() const noexcept;
    /// When one that is refused will be asked again.
    time_point refused_until(const pause_rules& rules, time_point now) const;
    /// Until when an origin that has nothing to do must be remembered.
    time_point needed_until() const noexcept;

private:
    const std::string& origin_;
    weir::detail::gcra_level level_;
    learned_rate learned_;
    time_point wished_until_ = time_point::min();
    time_point doubted_until_ = time_point::min();
    time_point closed_until_ = time_point::min();
    std::size_t failures_ = 0;
    std::uint64_t round_ = 0;
};

} // namespace weir::http::detail
