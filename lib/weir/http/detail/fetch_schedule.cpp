#include <weir/http/detail/fetch_schedule.hpp>

#include <weir/http/error.hpp>

#include <algorithm>
#include <utility>

namespace weir::http::detail {
namespace {

/// What an item that waits, and a host, count for in the window.
constexpr std::size_t item_size = 1024;
constexpr std::size_t host_size = 512;

host_turns::ended ended_of(fetch_schedule::left how) noexcept
{
    switch (how) {
    case fetch_schedule::left::answered:
        return host_turns::ended::answered;
    case fetch_schedule::left::failed:
        return host_turns::ended::failed;
    default:
        return host_turns::ended::unknown;
    }
}

} // namespace

fetch_schedule::fetch_schedule(const fetcher_options& options, host_turns::has_idle idle)
    : turns_(options.jobs(), options.client().per_host(), std::move(idle)),
      backlog_(options.window(), options.spill().limit())
{
}

fetch_host& fetch_schedule::host_of(const std::string& origin)
{
    auto& found = hosts_[origin];
    if (!found) {
        found = std::make_unique<fetch_host>(origin);
        backlog_.hold(host_size);
    }
    return *found;
}

bool fetch_schedule::may_start(const fetch_host& host) const noexcept
{
    return !host.redirected.empty() ||
           (how_ == ending::none && host.text.waiting() != 0 && !host.is_read);
}

/// To be called after everything that happens to a host. It may be gone then.
void fetch_schedule::settle(fetch_host& host, time_point now)
{
    if (may_start(host))
        turns_.ready(host, now);
    else
        turns_.withdraw(host);
    backlog_.set_blocked(host.text, turns_.is_blocked(host));
    if (host.running() != 0 || !host.redirected.empty() || host.text.waiting() != 0)
        return;
    turns_.forget(host);
    const std::string origin = host.origin; // the key must outlive the call
    hosts_.erase(origin);
    backlog_.release(host_size);
}

void fetch_schedule::add(const std::string& origin, std::string text, time_point now)
{
    waiting_url url;
    url.id = ++counts_.taken;
    url.taken = now;
    url.text = std::move(text);
    if (how_ != ending::none) {
        ended_.push_back(std::make_shared<fetch_item>(std::move(url)));
        ended_.back()->never_began();
        return;
    }
    fetch_host& host = host_of(origin);
    backlog_.push(host.text, url);
    settle(host, now);
}

bool fetch_schedule::go_on(const item_ptr& item, time_point now)
{
    if (how_ == ending::stopping) {
        item->stopped();
        return false;
    }
    fetch_host& host = host_of(item->key);
    host.redirected.push_back(item);
    ++redirected_;
    backlog_.hold(item_size);
    settle(host, now);
    return true;
}

fetch_schedule::item_ptr fetch_schedule::first_of(fetch_host& host)
{
    item_ptr item;
    if (!host.redirected.empty()) {
        item = std::move(host.redirected.front());
        host.redirected.pop_front();
        --redirected_;
        backlog_.release(item_size);
    } else if (auto url = backlog_.take(host.text)) {
        item = std::make_shared<fetch_item>(std::move(*url));
        item->key = host.origin;
    }
    return item;
}

fetch_schedule::item_ptr fetch_schedule::start_next(time_point now)
{
    while (auto next = turns_.next(now)) {
        auto& host = static_cast<fetch_host&>(*next.of);
        item_ptr item = first_of(host);
        if (item) {
            item->place = std::move(next.place);
            host.under_way.push_back(item.get());
            counts_.peak = std::max(counts_.peak, turns_.running());
        } else {
            host.is_read = true;
            turns_.done(next.place, host_turns::ended::unknown, now);
        }
        settle(host, now);
        if (item)
            return item;
    }
    return nullptr;
}

void fetch_schedule::heard(fetch_item& item, time_point now)
{
    item.is_heard = true;
    if (!item.place)
        return;
    auto& host = static_cast<fetch_host&>(*item.place.key());
    turns_.heard(host, now);
    settle(host, now);
}

void fetch_schedule::leave(fetch_item& item, left how, time_point now)
{
    if (!item.place)
        return;
    auto& host = static_cast<fetch_host&>(*item.place.key());
    std::erase(host.under_way, &item);
    turns_.done(item.place, ended_of(how), now);
    if (std::exchange(item.gives_way, false))
        turns_.gave_way();
    if (how == left::gave_way)
        backlog_.push_front(host.text, item.waiting());
    settle(host, now);
}

void fetch_schedule::refuse(item_ptr item, time_point now)
{
    leave(*item, left::cancelled, now);
    item->never_began();
    ended_.push_back(std::move(item));
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

bool fetch_schedule::end(ending how, time_point now)
{
    if (how <= how_)
        return false;
    how_ = how;
    std::vector<fetch_host*> all; // settling may forget one
    for (const auto& each : hosts_)
        all.push_back(each.second.get());
    for (fetch_host* host : all) {
        while (how == ending::stopping && !host->redirected.empty()) {
            ended_.push_back(first_of(*host));
            ended_.back()->stopped();
        }
        settle(*host, now);
    }
    return true;
}

fetch_schedule::item_ptr fetch_schedule::take_ended()
{
    if (ended_.empty())
        return nullptr;
    item_ptr item = std::move(ended_.front());
    ended_.pop_front();
    return item;
}

fetch_schedule::item_ptr fetch_schedule::take_dropped()
{
    if (how_ == ending::none)
        return nullptr;
    for (const auto& each : hosts_) {
        fetch_host& host = *each.second;
        if (host.text.waiting() == 0)
            continue;
        auto url = backlog_.take(host.text);
        if (!url)
            return nullptr; // it is read now
        auto item = std::make_shared<fetch_item>(std::move(*url));
        item->never_began();
        settle(host, time_point());
        return item;
    }
    return nullptr;
}

std::size_t fetch_schedule::ended() const noexcept
{
    return ended_.size() + (how_ == ending::none ? 0 : backlog_.waiting());
}

void fetch_schedule::count(const fetch_result& result) noexcept
{
    counts_.bytes += result.answer.bytes;
    if (!result.answer.error)
        ++counts_.ok;
    else if (result.answer.error->kind() == error_class::aborted)
        ++counts_.aborted;
    else
        ++counts_.failed;
}

fetch_counts fetch_schedule::counts() const noexcept
{
    fetch_counts now = counts_;
    now.running = turns_.running();
    now.queued = backlog_.waiting() + redirected_;
    now.spilled = backlog_.spilled();
    return now;
}

bool fetch_schedule::is_over() const noexcept
{
    const std::size_t waiting = how_ == ending::none ? backlog_.waiting() : 0;
    return intake_ended_ && waiting + redirected_ + turns_.running() == 0;
}

} // namespace weir::http::detail
