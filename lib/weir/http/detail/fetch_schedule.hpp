#pragma once

#include <weir/http/detail/fetch_item.hpp>
#include <weir/http/fetch_counts.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/policy/schedule.hpp>
#include <weir/sync/limit.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace weir::http::detail {

/// Decides which URL a fetcher fetches next, and which ones end without being fetched. It uses no
/// executor and no clock.
///
/// Shape: an item is queued by `add`, handed out by `start_next` once its origin and the fetcher
///        have room, and ends its exchange with `leave`. What ends while it is queued comes out of
///        `take_ended`.
/// Fairness: origins take turns; items of one origin are first in, first out.
/// Threads: one at a time.
class fetch_schedule {
public:
    using item_ptr = std::shared_ptr<fetch_item>;
    enum class ending { none, draining, stopping };

    fetch_schedule(limit jobs, limit per_host);

    /// The number of the next URL taken in.
    std::uint64_t next_id() noexcept { return ++counts_.taken; }
    /// Queues an item; it ends at once after `end`.
    void add(item_ptr item);
    /// Queues an item that was redirected, ahead of its origin's others. Also while draining; false
    /// when the item is stopped instead.
    bool go_on(const item_ptr& item);
    void intake_ended() noexcept { intake_ended_ = true; }

    /// The next item to fetch; null when none is queued that has room.
    item_ptr start_next();
    /// To be called when the exchange of an item from `start_next` has ended: another item may then
    /// start. A second call for the same exchange does nothing.
    void leave(fetch_item& item);
    /// Ends an item from `start_next` that could not be started.
    void refuse(item_ptr item);

    /// Ends what is queued; a redirected item goes on while draining. False when the run is already
    /// ending in this way or a harder one.
    bool end(ending how);
    ending how() const noexcept { return how_; }

    /// The next item that ended while it was queued; null when there is none.
    item_ptr take_ended();
    std::size_t ended() const noexcept { return ended_.size(); }

    /// Counts a result.
    void count(const fetch_result& result) noexcept;
    fetch_counts counts() const noexcept;
    /// Whether intake has ended and no item is queued or running.
    bool is_over() const noexcept;

private:
    std::size_t jobs_;
    schedule<std::string, item_ptr> queued_;
    std::deque<item_ptr> ended_;
    fetch_counts counts_;
    ending how_ = ending::none;
    bool intake_ended_ = false;
};

} // namespace weir::http::detail
