#include <weir/http/detail/fetch_schedule.hpp>

#include <weir/http/detail/fetch_retry.hpp>
#include <weir/http/error.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::http::detail {
namespace {

/// What an item that waits counts for in the window.
constexpr std::size_t item_size = 1024;

host_turns::ended ended_of(fetch_schedule::left how) noexcept
{
    switch (how) {
    case fetch_schedule::left::answered:
        return host_turns::ended::answered;
    case fetch_schedule::left::refused:
    case fetch_schedule::left::unanswered:
    case fetch_schedule::left::failed:
        return host_turns::ended::failed;
    default:
        return host_turns::ended::unknown;
    }
}

pause_rules rules_of(const fetcher_options& options)
{
    pause_rules rules;
    if (options.host_rate())
        rules.rate.emplace(*options.host_rate(), options.host_burst());
    if (options.give_up())
        rules.give_up = std::make_shared<breaker<std::string>>(*options.give_up());
    rules.longest = options.retry().longest_wait();
    rules.adapts = options.adapt_rate() == rate_adaptation::on;
    return rules;
}

} // namespace

fetch_schedule::left fetch_schedule::left_of(const response& answer)
{
    if (answer.error && answer.error->kind() == error_class::aborted)
        return left::cancelled;
    if (is_refusal(answer))
        return left::refused;
    if (answer.status != 0)
        return left::answered;
    return is_unanswered(answer) ? left::unanswered : left::failed;
}

fetch_schedule::fetch_schedule(const fetcher_options& options, host_turns::has_idle idle)
    : options_(options), rules_(rules_of(options)),
      turns_(options.jobs(), options.client().per_host(), std::move(idle)),
      backlog_(options.window(), options.spill().limit())
{
    if (options.rate())
        rate_.emplace(*options.rate(), options.burst());
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
    ++items_queued_;
    backlog_.hold(item_size);
    settle(host, now);
    return true;
}

/// Queues an item for its next attempt.
void fetch_schedule::queue_again(const item_ptr& item, time_point now)
{
    fetch_host& host = host_of(item->key);
    auto behind = host.again.end();
    while (behind != host.again.begin() && (*std::prev(behind))->due > item->due)
        --behind;
    host.again.insert(behind, item);
    ++items_queued_;
    backlog_.hold(item_size);
    settle(host, now);
}

fetch_schedule::item_ptr fetch_schedule::take_from(std::list<item_ptr>& from)
{
    item_ptr item = std::move(from.front());
    from.pop_front();
    --items_queued_;
    backlog_.release(item_size);
    return item;
}

fetch_schedule::item_ptr fetch_schedule::first_of(fetch_host& host, time_point now)
{
    item_ptr item;
    if (!host.redirected.empty()) {
        item = take_from(host.redirected);
    } else if (!host.again.empty() && (host.again.front()->due <= now || is_in_vain(host, now))) {
        item = take_from(host.again);
    } else if (auto url = backlog_.take(host.text)) {
        item = std::make_shared<fetch_item>(std::move(*url));
        item->key = host.origin;
    }
    return item;
}

/// Pays for an exchange, unless its origin is given up.
void fetch_schedule::begin(const item_ptr& item, fetch_host& host, time_point now)
{
    const pause_rules& rules = rules_for(host);
    const refusal why = host.pause.refused(rules, now);
    if (why != refusal::none)
        return item->give_up(why, host.pause.refused_until(rules, now) - now);
    item->ticket = host.pause.start(rules, now);
    if (rate_ && !host.origin.empty())
        (void)rate_->try_take(1, now);
    if (item->begins && item->was_tried())
        ++counts_.retries;
}

fetch_schedule::item_ptr fetch_schedule::start_next(time_point now)
{
    wake(now);
    for (;;) {
        rate_at_ = time_point::max();
        if (rate_ && rate_->when(1, now) > now) {
            rate_at_ = rate_->when(1, now);
            return nullptr;
        }
        auto next = turns_.next(now);
        if (!next)
            return nullptr;
        auto& host = static_cast<fetch_host&>(*next.of);
        if (next_start(host, now) > now) { // it was given up, and is not any more
            turns_.done(next.place, host_turns::ended::unknown, now);
            settle(host, now);
            continue;
        }
        item_ptr item = first_of(host, now);
        if (item) {
            item->place = std::move(next.place);
            host.under_way.push_back(item.get());
            counts_.peak = std::max(counts_.peak, turns_.running());
            begin(item, host, now);
        } else {
            host.is_read = true;
            turns_.done(next.place, host_turns::ended::unknown, now);
        }
        settle(host, now);
        if (item)
            return item;
    }
}

bool fetch_schedule::answers(fetch_item& item, const response& head, time_point now)
{
    if (!item.place || item.is_good || head.status >= 400)
        return false;
    auto& host = static_cast<fetch_host&>(*item.place.key());
    if (!host.pause.is_new(item.ticket))
        return false; // what began before a pause does not let more in after it
    item.is_good = true;
    const bool has_more = turns_.answers(host, now);
    host.pause.heard();
    const bool goes_on = host.pause.accepted(item.ticket, now);
    settle(host, now);
    return has_more || goes_on;
}

void fetch_schedule::heard(fetch_item& item, std::size_t bytes, time_point now)
{
    counts_.received += bytes;
    item.is_heard = true;
    if (!item.place)
        return;
    auto& host = static_cast<fetch_host&>(*item.place.key());
    turns_.heard(host, now);
    host.pause.heard();
    settle(host, now);
}

/// Gives the place back, and notes what its end says about the host.
fetch_host& fetch_schedule::leave_host(fetch_item& item, left how, time_point now)
{
    auto& host = static_cast<fetch_host&>(*item.place.key());
    const bool is_answer = how == left::answered || how == left::refused;
    std::erase(host.under_way, &item);
    if (how == left::refused)
        turns_.heard(host, now); // it is not silent
    // What began before a pause does not let more in after it.
    const bool counts = how != left::answered || host.pause.is_new(item.ticket);
    if (!counts)
        turns_.heard(host, now);
    const bool was_counted = std::exchange(item.is_good, false);
    if (how == left::answered && !was_counted)
        (void)host.pause.accepted(item.ticket, now);
    const auto is =
        was_counted && how == left::answered ? host_turns::ended::counted : ended_of(how);
    turns_.done(item.place, counts ? is : host_turns::ended::unknown, now);
    if (std::exchange(item.gives_way, false))
        turns_.gave_way();
    if (is_answer)
        host.pause.answered(item.ticket, now);
    else if (how == left::unanswered)
        host.pause.unanswered(item.ticket, now);
    else
        host.pause.dropped(item.ticket);
    if (how == left::gave_way && item.is_text())
        backlog_.push_front(host.text, item.waiting());
    return host;
}

bool fetch_schedule::ended(const item_ptr& item, const exchange_end& how, time_point now)
{
    if (!item->place)
        return false;
    fetch_host& host = leave_host(*item, how.how, now);
    if (how.how == left::refused)
        host.pause.refused_now(item->ticket, how.pause, rules_, now);
    if (how.pause)
        host.pause.wished(*how.pause, rules_, now);
    bool goes_on = false;
    if (how.how == left::gave_way)
        goes_on = item->is_text() || begin_again(item, now);
    else if (how.next == fetch_item::then::redirected)
        goes_on = go_on(item, now);
    else if (how.next == fetch_item::then::failed)
        goes_on = retry(item, host, how, now);
    else
        options_.retry().succeeded(item->result.attempts, now);
    settle(host, now);
    return goes_on;
}

/// One that gave way, and is more than its text.
bool fetch_schedule::begin_again(const item_ptr& item, time_point now)
{
    item->take_back(now);
    if (how_ == ending::none)
        queue_again(item, now);
    return how_ == ending::none;
}

/// Queues an item that failed for its next attempt, if there is one. Its host waits as well where
/// that is what failed.
bool fetch_schedule::retry(const item_ptr& item, fetch_host& host, const exchange_end& how,
                           time_point now)
{
    time_point not_before = time_point::min();
    if (how.how == left::refused)
        not_before = host.pause.held_until();
    else if (how.how == left::unanswered && host.pause.failures() > item->result.attempts)
        not_before = saturating_add(
            now, std::min(rules_.longest, options_.retry().backoff().next(host.pause.failures())));
    if (how.pause && *how.pause > rules_.longest) {
        item->may_not_wait(*how.pause);
        return false;
    }
    if (how_ != ending::none)
        return false;
    std::optional<time_point> at;
    if (how.how == left::refused && rules_.adapts)
        at = item->next_after_refusal(options_, host.pause.learned().all_accepted(), not_before,
                                      now);
    else
        at = item->next_attempt(options_, not_before, now);
    if (!at)
        return false;
    if (how.how == left::unanswered)
        host.pause.doubted(*at);
    else if (how.how == left::refused && !how.pause && !rules_.adapts)
        host.pause.hold(*at);
    item->wait_until(*at);
    queue_again(item, now);
    return true;
}

void fetch_schedule::leave(fetch_item& item, left how, time_point now)
{
    if (!item.place)
        return;
    settle(leave_host(item, how, now), now);
}

void fetch_schedule::refuse(item_ptr item, time_point now)
{
    leave(*item, left::cancelled, now);
    item->end_queued();
    ended_.push_back(std::move(item));
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
        for (auto* queued : {&host->redirected, &host->again})
            while ((how == ending::stopping || queued == &host->again) && !queued->empty()) {
                ended_.push_back(take_from(*queued));
                ended_.back()->end_queued();
            }
        if (remembered_.holds(*host))
            forget(*host);
        else
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
    now.queued = backlog_.waiting() + items_queued_;
    now.spilled = backlog_.spilled();
    return now;
}

bool fetch_schedule::is_over() const noexcept
{
    const std::size_t waiting = how_ == ending::none ? backlog_.waiting() : 0;
    return intake_ended_ && waiting + items_queued_ + turns_.running() == 0;
}

} // namespace weir::http::detail
