#pragma once

#include <weir/detail/gcra.hpp>
#include <weir/detail/instant_heap.hpp>
#include <weir/http/detail/fetch_item.hpp>
#include <weir/http/detail/fetch_pause.hpp>
#include <weir/http/detail/host_turns.hpp>
#include <weir/http/detail/text_backlog.hpp>
#include <weir/http/fetch_counts.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/response.hpp>
#include <weir/time/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::http::detail {

/// A host, what waits for it, and what is fetched from it.
struct fetch_host : host_turns::host, weir::detail::instant_heap_node {
    struct own_line : text_backlog::line {
        explicit own_line(fetch_host& h) noexcept : host(h) {}
        fetch_host& host;
    };

    explicit fetch_host(const std::string& key) : host(key), pause(origin), text(*this) {}

    std::list<std::shared_ptr<fetch_item>> redirected; // they go first
    std::list<std::shared_ptr<fetch_item>> again;      // then these, at their time
    fetch_pause pause;
    std::unique_ptr<const pause_rules> own_rules; // null: those of all
    own_line text;
    std::vector<fetch_item*> under_way;
    bool is_read = false; // at present, or soon: its next text
};

/// Decides which URL a fetcher fetches next, and which ones end without being fetched. It uses no
/// executor and no clock.
///
/// Shape: a URL is queued as text by `add`, becomes an item in `start_next` once its origin and the
///        fetcher have room, and ends its exchange with `leave`. What ends while it is queued comes
///        out of `take_ended`, and after `end` out of `take_dropped`. What `backlog` wants to have
///        written or read is the owner's to do, who reports it to `moved`.
///        An item that failed may be queued again, for a later time. An origin begins nothing while
///        it is held (`fetch_pause`), and no further URL while `most_again` items wait for that.
/// Fairness: origins take turns (`host_turns`); URLs of one origin are first in, first out.
/// Threads: one at a time.
class fetch_schedule {
public:
    using item_ptr = std::shared_ptr<fetch_item>;
    enum class ending { none, draining, stopping };
    /// How an exchange ended, as far as its host is concerned.
    enum class left {
        answered,
        refused,    ///< the server wants fewer requests
        unanswered, ///< nothing was heard of the server
        failed,
        cancelled,
        gave_way
    };
    /// Of an exchange that did not give way.
    static left left_of(const response& answer);
    /// The same, and what comes of it.
    struct exchange_end {
        left how = left::cancelled;
        fetch_item::then next = fetch_item::then::done;
        std::optional<duration> pause; // that the server asked for
    };

    /// How many items of a host wait for their next attempt before it begins no other.
    static constexpr std::size_t most_again = 32;
    /// How many hosts are remembered that have nothing to do.
    static constexpr std::size_t most_remembered = 65'536;

    fetch_schedule(const fetcher_options& options, host_turns::has_idle idle);
    fetch_schedule(const fetch_schedule&) = delete;
    fetch_schedule& operator=(const fetch_schedule&) = delete;

    /// Whether one more URL may be taken in.
    bool has_room() const noexcept { return backlog_.has_room(); }
    /// Queues a URL; it ends at once after `end`.
    void add(const std::string& origin, std::string text, time_point now);
    /// Queues an item that was redirected, ahead of its origin's others. Also while draining; false
    /// when the item is stopped instead.
    bool go_on(const item_ptr& item, time_point now);
    /// As `leave`, and queues the item again where it was redirected, or another attempt may be
    /// made. True then.
    bool ended(const item_ptr& item, const exchange_end& how, time_point now);
    void intake_ended() noexcept { intake_ended_ = true; }

    /// The next item to fetch; null when none is queued that has room. One whose origin is given
    /// up is `given_up`: it has its result, and is not to be fetched.
    item_ptr start_next(time_point now);
    /// The head of its answer has come. True when something else may start because of that, now or
    /// later.
    bool answers(fetch_item& item, const response& head, time_point now);
    /// A part of its body has come.
    void heard(fetch_item& item, std::size_t bytes, time_point now);
    /// To be called when the exchange of an item from `start_next` has ended: another item may then
    /// start. One that gave way is queued again, as text. A second call for the same exchange does
    /// nothing.
    void leave(fetch_item& item, left how, time_point now);
    /// Ends an item from `start_next` that could not be started.
    void refuse(item_ptr item, time_point now);
    /// An item to cancel, because it stands at a silent host while another host waits; null when
    /// there is none.
    fetch_item* give_way(time_point now);
    /// When to call `give_way` and `start_next` again, if nothing else is called before.
    time_point look_again() const noexcept;

    /// What is to be done with the file.
    text_backlog::step next_step() { return backlog_.next_step(); }
    void moved(text_backlog::step s, bool failed, time_point now);
    bool is_refused() const noexcept { return backlog_.is_refused(); }

    /// Ends what is queued, and what waits for its next attempt; a redirected item goes on while
    /// draining. False when the run is already ending in this way or a harder one.
    bool end(ending how, time_point now);
    ending how() const noexcept { return how_; }

    /// The next item that ended while it was queued; null when there is none.
    item_ptr take_ended();
    /// After `end`: the next URL that was never begun; null when its text is not in memory, or
    /// there is none.
    item_ptr take_dropped();
    /// How many of both there are.
    std::size_t ended() const noexcept;

    /// Counts a result.
    void count(const fetch_result& result) noexcept;
    fetch_counts counts() const noexcept;
    /// Whether intake has ended and nothing is running or will start.
    bool is_over() const noexcept;

private:
    using refusal = fetch_pause::refusal;

    fetch_host& host_of(const std::string& origin);
    fetch_host& leave_host(fetch_item& item, left how, time_point now);
    bool retry(const item_ptr& item, fetch_host& host, const exchange_end& how, time_point now);
    bool begin_again(const item_ptr& item, time_point now);
    void queue_again(const item_ptr& item, time_point now);
    item_ptr first_of(fetch_host& host, time_point now);
    item_ptr take_from(std::list<item_ptr>& from);
    void begin(const item_ptr& item, fetch_host& host, time_point now);
    void set_limits(fetch_host& host) const;
    const pause_rules& rules_for(const fetch_host& host) const noexcept;
    time_point next_start(const fetch_host& host, time_point now) const;
    bool is_in_vain(const fetch_host& host, time_point now) const;
    void wake(time_point now);
    void settle(fetch_host& host, time_point now);
    void rest(fetch_host& host, time_point now);
    void forget(fetch_host& host);

    const fetcher_options options_;
    const pause_rules rules_;
    const pause_rules no_rules_; // of what is no URL: no host is asked for it
    std::optional<weir::detail::gcra> rate_;
    host_turns turns_;
    text_backlog backlog_;
    std::unordered_map<std::string, std::unique_ptr<fetch_host>> hosts_;
    weir::detail::instant_heap<fetch_host> waking_;     // they have something to start later
    weir::detail::instant_heap<fetch_host> remembered_; // they have nothing to do
    time_point rate_at_ = time_point::max();            // when there is a token, if one is missing
    std::size_t items_queued_ = 0;                      // redirected, or tried before
    std::deque<item_ptr> ended_;
    fetch_counts counts_;
    ending how_ = ending::none;
    bool intake_ended_ = false;
};

} // namespace weir::http::detail
