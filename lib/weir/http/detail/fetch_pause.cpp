#include <weir/http/detail/fetch_pause.hpp>

#include <algorithm>

namespace weir::http::detail {

time_point fetch_pause::next(const pause_rules& rules, time_point now) const noexcept
{
    const time_point held = learned_.next(std::max(now, held_until()));
    return rules.rate ? rules.rate->when(level_, 1, held) : held;
}

fetch_pause::refusal fetch_pause::refused(const pause_rules& rules, time_point now) const
{
    if (closed_until_ > now)
        return refusal::wish;
    // Most often none is broken, and no key need be looked for.
    const bool is_open = rules.give_up && rules.give_up->broken() != 0 &&
                         rules.give_up->refuses_until(origin_, now).has_value();
    return is_open ? refusal::failures : refusal::none;
}

fetch_pause::ticket fetch_pause::start(const pause_rules& rules, time_point now)
{
    ticket made;
    made.round = round_;
    learned_.started(now);
    if (rules.rate)
        (void)rules.rate->try_take(level_, 1, now);
    if (rules.give_up)
        made.call = rules.give_up->try_enter(origin_, now);
    return made;
}

void fetch_pause::refused_now(const ticket& t, std::optional<duration> pause,
                              const pause_rules& rules, time_point now) noexcept
{
    // One that began before the last refusal says nothing new.
    if (rules.adapts && is_new(t) && pause <= rules.longest)
        hold(saturating_add(now, learned_.refused(pause, now)));
}

void fetch_pause::answered(ticket& t, time_point now) noexcept
{
    heard();
    t.call.succeeded(now);
}

void fetch_pause::unanswered(ticket& t, time_point now) noexcept
{
    ++failures_;
    t.call.failed(now);
}

void fetch_pause::heard() noexcept
{
    failures_ = 0;
    doubted_until_ = time_point::min();
}

void fetch_pause::wished(duration pause, const pause_rules& rules, time_point now) noexcept
{
    const time_point until = saturating_add(now, pause);
    if (pause > rules.longest)
        closed_until_ = std::max(closed_until_, until);
    else
        hold(until);
}

void fetch_pause::hold(time_point until) noexcept
{
    wished_until_ = std::max(wished_until_, until);
    ++round_;
}

void fetch_pause::doubted(time_point until) noexcept
{
    doubted_until_ = std::max(doubted_until_, until);
}

time_point fetch_pause::held_until() const noexcept
{
    return std::max(wished_until_, doubted_until_);
}

time_point fetch_pause::refused_until(const pause_rules& rules, time_point now) const
{
    if (refused(rules, now) != refusal::failures)
        return closed_until_;
    return rules.give_up->refuses_until(origin_, now).value_or(now);
}

time_point fetch_pause::needed_until() const noexcept
{
    return std::max({wished_until_, closed_until_, learned_.needed_until(),
                     weir::detail::gcra_rule::when_full(level_)});
}

} // namespace weir::http::detail
