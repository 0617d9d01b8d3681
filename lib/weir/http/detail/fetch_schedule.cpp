#include <weir/http/detail/fetch_schedule.hpp>

#include <weir/http/error.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace weir::http::detail {

fetch_schedule::fetch_schedule(limit jobs, limit per_host) : jobs_(jobs.count()), queued_(per_host)
{
}

void fetch_schedule::add(item_ptr item)
{
    if (how_ != ending::none) {
        item->never_began();
        ended_.push_back(std::move(item));
        return;
    }
    const std::string key = item->key;
    queued_.push(key, std::move(item));
}

bool fetch_schedule::go_on(const item_ptr& item)
{
    if (how_ == ending::stopping) {
        item->stopped();
        return false;
    }
    queued_.push_front(item->key, item);
    return true;
}

fetch_schedule::item_ptr fetch_schedule::start_next()
{
    if (counts_.running >= jobs_)
        return nullptr;
    auto next = queued_.pop(time_point()); // no origin is held: the time does not matter
    if (!next)
        return nullptr;
    (*next.item)->place = std::move(next.place);
    ++counts_.running;
    counts_.peak = std::max(counts_.peak, counts_.running);
    return std::move(*next.item);
}

void fetch_schedule::leave(fetch_item& item)
{
    if (!item.place)
        return;
    --counts_.running;
    queued_.done(item.place);
}

void fetch_schedule::refuse(item_ptr item)
{
    leave(*item);
    item->never_began();
    ended_.push_back(std::move(item));
}

bool fetch_schedule::end(ending how)
{
    if (how <= how_)
        return false;
    how_ = how;
    std::vector<item_ptr> redirected;
    while (auto next = queued_.take_any()) {
        item_ptr& item = *next;
        if (item->begun && how == ending::draining) {
            redirected.push_back(std::move(item));
            continue;
        }
        if (item->begun)
            item->stopped();
        else
            item->never_began();
        ended_.push_back(std::move(item));
    }
    for (auto& item : redirected) {
        const std::string key = item->key;
        queued_.push(key, std::move(item));
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
    now.queued = queued_.queued();
    return now;
}

bool fetch_schedule::is_over() const noexcept
{
    return intake_ended_ && queued_.queued() == 0 && counts_.running == 0;
}

} // namespace weir::http::detail
