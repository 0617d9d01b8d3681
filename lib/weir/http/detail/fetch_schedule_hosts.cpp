// The part of a fetch_schedule that looks after its hosts: when each may start something, and how
// long it is remembered.
#include <weir/http/detail/fetch_schedule.hpp>

#include <algorithm>
#include <utility>

namespace weir::http::detail {
namespace {

/// What a host counts for in the window.
constexpr std::size_t host_size = 512;

} // namespace

fetch_host& fetch_schedule::host_of(const std::string& origin)
{
    auto& found = hosts_[origin];
    if (!found) {
        found = std::make_unique<fetch_host>(origin);
        set_limits(*found);
        backlog_.hold(host_size);
    } else if (remembered_.holds(*found)) {
        remembered_.remove(*found);
        backlog_.hold(host_size);
    }
    return *found;
}

/// Those that it does not share with the others.
void fetch_schedule::set_limits(fetch_host& host) const
{
    const host_limits* const own = options_.limits_of(host.origin);
    if (own == nullptr)
        return;
    if (own->per_host())
        host.limit_to(*own->per_host());
    if (!own->rate())
        return;
    auto rules = std::make_unique<pause_rules>(rules_);
    rules->rate.emplace(*own->rate(), own->burst());
    host.own_rules = std::move(rules);
}

const pause_rules& fetch_schedule::rules_for(const fetch_host& host) const noexcept
{
    if (host.origin.empty())
        return no_rules_;
    return host.own_rules ? *host.own_rules : rules_;
}

/// The first moment, from `now` on, at which a host with places may begin something;
/// `time_point::max()` when it has nothing to begin.
time_point fetch_schedule::next_start(const fetch_host& host, time_point now) const
{
    const bool has_text = how_ == ending::none && host.text.waiting() != 0 && !host.is_read &&
                          host.again.size() < most_again;
    time_point at = time_point::max();
    if (!host.redirected.empty() || has_text)
        at = now;
    else if (!host.again.empty())
        at = std::max(now, host.again.front()->due);
    const pause_rules& rules = rules_for(host);
    if (at == time_point::max())
        return at;
    if (host.pause.refused(rules, now) != refusal::none) // what is given up waits for nothing
        return is_in_vain(host, now) ? now : at;
    return std::max(at, host.pause.next(rules, now));
}

/// Whether the next attempt of the first that failed is due while its host is given up still.
bool fetch_schedule::is_in_vain(const fetch_host& host, time_point now) const
{
    const pause_rules& rules = rules_for(host);
    return !host.again.empty() && host.pause.refused(rules, now) != refusal::none &&
           host.again.front()->due < host.pause.refused_until(rules, now);
}

/// To be called after everything that happens to a host. It may be gone then.
void fetch_schedule::settle(fetch_host& host, time_point now)
{
    const time_point at = next_start(host, now);
    const bool starts_later = at > now && at != time_point::max();
    if (at <= now)
        turns_.ready(host, now);
    else
        turns_.withdraw(host);
    backlog_.set_blocked(host.text, starts_later || turns_.is_blocked(host));
    if (starts_later) {
        waking_.reserve(waking_.size() + 1);
        waking_.put(host, at);
    } else if (waking_.holds(host)) {
        waking_.remove(host);
    }
    if (host.running() == 0 && host.redirected.empty() && host.again.empty() &&
        host.text.waiting() == 0)
        rest(host, now);
}

/// A host that has nothing to do is forgotten, or remembered for as long as that matters.
void fetch_schedule::rest(fetch_host& host, time_point now)
{
    turns_.forget(host);
    backlog_.release(host_size);
    if (how_ != ending::none || host.pause.needed_until() <= now)
        return forget(host);
    if (remembered_.size() == most_remembered)
        forget(remembered_.first());
    remembered_.reserve(remembered_.size() + 1);
    remembered_.put(host, host.pause.needed_until());
}

void fetch_schedule::forget(fetch_host& host)
{
    if (remembered_.holds(host))
        remembered_.remove(host);
    const std::string origin = host.origin; // the key must outlive the call
    hosts_.erase(origin);
}

/// Looks at the hosts whose time has come.
void fetch_schedule::wake(time_point now)
{
    while (waking_.first_at() <= now) {
        fetch_host& host = waking_.first();
        waking_.remove(host);
        settle(host, now);
    }
    while (remembered_.first_at() <= now)
        forget(remembered_.first());
}

time_point fetch_schedule::look_again() const noexcept
{
    return std::min({turns_.look_again(), waking_.first_at(), rate_at_});
}

fetch_item* fetch_schedule::give_way(time_point now)
{
    if (!turns_.is_crowded(now))
        return nullptr;
    for (auto* at = turns_.newest_silent(); at != nullptr; at = turns_.next_older(*at)) {
        auto& host = static_cast<fetch_host&>(*at);
        for (auto each = host.under_way.rbegin(); each != host.under_way.rend(); ++each)
            if ((*each)->may_give_way()) {
                (*each)->gives_way = true;
                turns_.gives_way(host, now);
                settle(host, now);
                return *each;
            }
    }
    return nullptr;
}

void fetch_schedule::moved(text_backlog::step s, bool failed, time_point now)
{
    fetch_host& host = static_cast<fetch_host::own_line*>(s.of)->host;
    backlog_.done(std::move(s), failed);
    host.is_read = host.is_read && host.text.is_away();
    settle(host, now);
}

} // namespace weir::http::detail
