#include <weir/http/detail/host_turns.hpp>

#include <weir/policy/key_options.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace weir::http::detail {
namespace {

constexpr std::size_t any = std::numeric_limits<std::size_t>::max();

} // namespace

host_turns::host_turns(limit jobs, limit per_host, has_idle idle)
    : jobs_(jobs.count()), per_host_(std::min(per_host.count(), jobs_)),
      silent_share_(std::max<std::size_t>(1, jobs_ / 4)),
      unproven_share_(std::max<std::size_t>(1, jobs_ / 2)), idle_(std::move(idle)),
      turns_(key_options(1).max_held(any).max_overridden(any))
{
}

void host_turns::ready(host& h, time_point now)
{
    if (h.is_ready_)
        return;
    turns_.push(&h, ticket());
    h.is_ready_ = true;
    line_up(h);
    if (h.is_suspect_)
        suspect(h, now);
    // Its connection would not live until its turn, where many wait.
    if (h.running_ == 0 && !h.warm_.is_in && idle_(h.origin)) {
        warm_.push_back(h.warm_);
        h.warm_.is_in = true;
    }
}

void host_turns::withdraw(host& h)
{
    if (!std::exchange(h.is_ready_, false))
        return;
    take_out(suspects_, h.suspect_);
    take_out(proven_, h.proven_);
    turns_.take(&h);
}

host_turns::picked host_turns::next(time_point now)
{
    picked found;
    if (running_ == jobs_)
        return found;
    look(now);
    if (silent_places_ < silent_share_)
        found = next_suspect(now);
    if (!found && early_ < most_early)
        found = next_warm(now);
    if (!found) {
        if (unproven_places_ >= unproven_share_)
            found = next_proven(now);
        if (!found)
            found = start(turns_.pop(now), now);
        if (found)
            early_ = 0;
    }
    if (!found)
        found = next_suspect(now);
    return found;
}

host_turns::picked host_turns::next_warm(time_point now)
{
    picked found;
    while (!found && !warm_.empty()) {
        host& h = warm_.front().of;
        take_out(warm_, h.warm_);
        if (h.is_ready_ && idle_(h.origin))
            found = start(turns_.pop(&h, now), now);
    }
    if (found)
        ++early_;
    return found;
}

/// One that may start nothing now has something running: there are no more of those than places.
host_turns::picked host_turns::next_proven(time_point now)
{
    picked found;
    for (link* l = proven_.empty() ? nullptr : &proven_.front(); !found && l != nullptr;) {
        host& h = l->of;
        l = proven_.after(*l);
        if (h.running_ < h.allowed_)
            found = start(turns_.pop(&h, now), now);
    }
    return found;
}

host_turns::picked host_turns::next_suspect(time_point now)
{
    picked found;
    for (link* l = suspects_.empty() ? nullptr : &suspects_.front(); l != nullptr;
         l = suspects_.after(*l)) {
        host& h = l->of;
        if (h.running_ != 0)
            continue; // it is tried already
        turns_.resume(&h);
        found = start(turns_.pop(&h, now), now);
        break;
    }
    return found;
}

host_turns::picked host_turns::start(turns::popped next, time_point now)
{
    picked found;
    if (!next)
        return found;
    host& h = *next.place.key();
    h.is_ready_ = false;
    take_out(suspects_, h.suspect_);
    take_out(proven_, h.proven_);
    ++running_;
    unproven_places_ += h.is_proven_ ? 0 : 1;
    if (++h.running_ == 1) {
        h.heard_ = now;
        h.is_silent_ = h.is_suspect_;
        (h.is_silent_ ? silent_ : talking_).push_back(h);
    }
    silent_places_ += h.is_silent_ ? 1 : 0;
    found.of = &h;
    found.place = std::move(next.place);
    return found;
}

/// Finds who has become silent by now.
void host_turns::look(time_point now)
{
    while (!talking_.empty() && saturating_add(talking_.front().heard_, silence) <= now) {
        host& h = talking_.pop_front();
        silent_.push_back(h);
        h.is_silent_ = true;
        silent_places_ += h.running_;
    }
}

void host_turns::heard(host& h, time_point now)
{
    clear(h);
    prove(h, true);
    if (h.running_ == 0)
        return;
    (h.is_silent_ ? silent_ : talking_).erase(h);
    if (std::exchange(h.is_silent_, false))
        silent_places_ -= h.running_;
    h.heard_ = now;
    talking_.push_back(h);
}

bool host_turns::answers(host& h, time_point now)
{
    heard(h, now);
    const std::size_t before = h.allowed_;
    allow(h, std::min(most_of(h), h.allowed_ + std::min(h.allowed_, most_doubled)));
    return h.allowed_ != before;
}

void host_turns::done(place& p, ended how, time_point now)
{
    host& h = *p.key();
    turns_.done(p);
    look(now);
    if (how == ended::answered || how == ended::counted) {
        if (how == ended::answered)
            (void)answers(h, now);
        else
            heard(h, now);
        take_out(warm_, h.warm_);
        warm_.push_front(h.warm_);
        h.warm_.is_in = true;
    } else if (how == ended::failed) {
        allow(h, 1);
        if (h.is_silent_)
            suspect(h, now);
    }
    --running_;
    silent_places_ -= h.is_silent_ ? 1 : 0;
    unproven_places_ -= h.is_proven_ ? 0 : 1;
    if (--h.running_ != 0)
        return;
    (h.is_silent_ ? silent_ : talking_).erase(h);
    h.is_silent_ = false;
}

void host_turns::forget(host& h)
{
    take_out(warm_, h.warm_);
    turns_.reset_key(&h);
    turns_.resume(&h);
    h.allowed_ = 1;
    h.is_suspect_ = false;
    prove(h, false);
}

bool host_turns::is_crowded(time_point now)
{
    look(now);
    return running_ == jobs_ && silent_places_ > silent_share_ + leaving_ && turns_.ready(now);
}

void host_turns::gives_way(host& h, time_point now)
{
    ++leaving_;
    allow(h, 1);
    suspect(h, now);
}

time_point host_turns::look_again() const noexcept
{
    const bool matters = running_ == jobs_ && turns_.queued() != 0 && !talking_.empty();
    return matters ? saturating_add(talking_.front().heard_, silence) : time_point::max();
}

void host_turns::suspect(host& h, time_point now)
{
    h.is_suspect_ = true;
    prove(h, false);
    if (!h.is_ready_ || h.suspect_.is_in)
        return;
    (void)turns_.hold(&h, time_point::max(), now); // as many as there are hosts may be
    suspects_.push_back(h.suspect_);
    h.suspect_.is_in = true;
}

/// It is not suspected any more.
void host_turns::clear(host& h)
{
    h.is_suspect_ = false;
    if (!h.suspect_.is_in)
        return;
    take_out(suspects_, h.suspect_);
    turns_.resume(&h);
}

void host_turns::prove(host& h, bool is_proven)
{
    if (std::exchange(h.is_proven_, is_proven) == is_proven)
        return;
    if (is_proven) {
        unproven_places_ -= h.running_;
        line_up(h);
    } else {
        unproven_places_ += h.running_;
        take_out(proven_, h.proven_);
    }
}

void host_turns::line_up(host& h)
{
    if (!h.is_proven_ || !h.is_ready_ || std::exchange(h.proven_.is_in, true))
        return;
    proven_.push_back(h.proven_);
}

std::size_t host_turns::most_of(const host& h) const noexcept
{
    return h.own_limit_ ? std::min(h.own_limit_->count(), jobs_) : per_host_;
}

void host_turns::allow(host& h, std::size_t places)
{
    if (std::exchange(h.allowed_, places) != places)
        (void)turns_.override_key(&h, limit::of_count(places)); // as many as there are hosts may be
}

void host_turns::take_out(weir::detail::list<link>& from, link& l) noexcept
{
    if (std::exchange(l.is_in, false))
        from.erase(l);
}

} // namespace weir::http::detail
