#pragma once

#include <weir/detail/acquire_result.hpp>
#include <weir/detail/atomics.hpp>
#include <weir/detail/gcra.hpp>
#include <weir/detail/list.hpp>
#include <weir/duration.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::detail {

/// How many counts an admission may have.
inline constexpr std::size_t most_counts = 4;

inline std::size_t saturating_sum(std::size_t a, std::size_t b) noexcept
{
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    return a > most - b ? most : a + b;
}

/// How much of each limit is asked for, or held. 0 is none.
struct admission_shares {
    bool empty() const noexcept
    {
        return std::all_of(counts.begin(), counts.end(), [](std::size_t n) { return n == 0; }) &&
               key == 0 && tokens == 0;
    }

    std::array<std::size_t, most_counts> counts{};
    std::size_t key = 0;
    std::size_t tokens = 0;
};

/// The rule of several limits that are taken together: counts, a count for each key, and a rate.
/// Knows no executor, clock or handler; the caller passes the time.
///
/// A request passes when in each limit it asks for it fits after the claims of all that wait there
/// and came earlier; then it takes all its shares in one step. So each limit has its own line, of
/// which some from the front fit, one after the other: `covered` is what they claim. A request that
/// is covered in all its lines passes, which moves its claim from what is covered to what is in
/// use, and changes nothing for the others. A step therefore costs as much as requests become
/// covered in it, however many wait.
///
/// The lock is held for a bounded number of steps, except where a limit is lowered. Nodes that left
/// their lines are settled outside it. The caller keeps the core alive.
template <class Key, class Hash = std::hash<Key>, class Atomics = real_atomics>
class admission_core {
    template <class V>
    using plain = typename Atomics::template plain<V>;
    struct line;
    struct key_line;

public:
    class node;

private:
    // A request's place in a line.
    struct link : list_node<Atomics> {
        node* owner = nullptr;
        plain<line*> in{nullptr};
        plain<bool> covered{false};
        std::size_t weight = 0;
    };

    struct line : list_node<Atomics> {
        plain<std::size_t> limit{0};
        plain<std::size_t> in_use{0};
        plain<std::size_t> covered{0};
        list<link, Atomics> queue;
        plain<link*> next{nullptr};      // the first that is not covered
        plain<link*> unchecked{nullptr}; // the first not yet compared with a new limit
        plain<bool> listed{false};       // there may be something to do
    };

    struct key_line : line {
        struct place : list_node<Atomics> {
            key_line* self = nullptr;
        };

        place among_all;
        const Key* key = nullptr;
    };

public:
    /// What a pass knows its key by, so that giving back looks nothing up.
    using key_handle = key_line*;

    class node : private list_node<Atomics> {
    public:
        node(const admission_shares& s, std::optional<Key> k) : shares_(s), key_(std::move(k))
        {
            for (link& each : links_)
                each.owner = this;
            for (std::size_t i = 0; i < most_counts; ++i)
                links_[i].weight = s.counts[i];
            links_[key_place].weight = s.key;
            links_[rate_place].weight = s.tokens;
        }

        /// Called once, outside locks, unless `unpark` or `give_up` returned true. The result is
        /// `granted`, `closed`, `too_large` or `no_timer`.
        virtual void settled(acquire_result result) noexcept = 0;

        const admission_shares& shares() const noexcept { return shares_; }
        /// Once it is granted.
        key_handle key() const noexcept { return granted_key_; }

    protected:
        ~node() = default;

    private:
        friend class admission_core;
        friend class list<node, Atomics>;

        const admission_shares shares_;
        const std::optional<Key> key_;
        std::array<link, most_counts + 2> links_;
        plain<std::size_t> missing_{0}; // lines in which it is not covered
        plain<key_line*> granted_key_{nullptr};
        plain<bool> parked_{false};
        plain<bool> given_up_{false};
    };

    /// A limit of 0 lets nothing through for now, and no share is too large for it.
    admission_core(const std::vector<std::size_t>& counts, std::size_t key_limit,
                   const std::optional<gcra_rule>& rule)
        : key_limit_(key_limit), has_rate_(rule.has_value()),
          rule_(rule ? *rule : gcra_rule(weir::rate::per_second(1), 1))
    {
        assert(counts.size() <= most_counts);
        for (std::size_t i = 0; i < counts.size(); ++i)
            counts_[i].limit = counts[i];
    }

    bool has_rate() const noexcept { return has_rate_; }

    /// Throws where there is no memory for a new key; nothing has happened then.
    acquire_result try_acquire(const admission_shares& s, const std::optional<Key>& key,
                               key_handle& granted, time_point now)
    {
        std::lock_guard lock(mutex_);
        return pass(s, key, granted, now);
    }

    /// Grants at once when it fits; otherwise parks the node, and once parked it may be gone.
    /// `timed_out`: it would have to park, and was given up before. Throws as `try_acquire`. If it
    /// is parked, look at `next_due`.
    acquire_result park(node& n, time_point now)
    {
        std::lock_guard lock(mutex_);
        key_handle key = nullptr;
        const acquire_result result = pass(n.shares_, n.key_, key, now);
        n.granted_key_ = key;
        if (result != acquire_result::full)
            return result;
        if (n.given_up_)
            return acquire_result::timed_out;
        enqueue(n);
        return acquire_result::parked;
    }

    /// True: the node was parked, and `settled` will not be called. Look at `next_due` then.
    bool unpark(node& n, time_point now) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            if (!n.parked_)
                return false;
            leave(n);
        }
        work(now);
        return true;
    }

    /// As `unpark`. If it was not parked, it will not park any more either.
    bool give_up(node& n, time_point now) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            if (!n.parked_) {
                n.given_up_ = true;
                return false;
            }
            leave(n);
        }
        work(now);
        return true;
    }

    /// True: nodes were granted; look at `next_due`. Tokens do not come back. The clock need not be
    /// read for it: what has become due meanwhile has a `grant` of its own.
    bool release(const admission_shares& s, key_handle key) noexcept
    {
        results made;
        bool more = false;
        {
            std::lock_guard lock(mutex_);
            for (std::size_t i = 0; i < most_counts; ++i)
                if (s.counts[i] != 0)
                    give_back(counts_[i], s.counts[i]);
            if (s.key != 0) {
                give_back(*key, s.key);
                if (key->in_use == 0)
                    mark(*key); // perhaps to be forgotten
            }
            if (unfinished_.empty())
                return false;
            more = work_some(made);
        }
        return finish(made, more);
    }

    /// More of a count for what is held already, if it fits after the claims of all that wait.
    bool try_grow(std::size_t count, std::size_t weight) noexcept
    {
        std::lock_guard lock(mutex_);
        line& l = counts_[count];
        if (closed_.load(std::memory_order_relaxed) || !fits_last(l, weight))
            return false;
        l.in_use = l.in_use + weight;
        return true;
    }

    /// What waits by now for tokens.
    void grant(time_point now) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            mark(rate_);
        }
        work(now);
    }

    /// Never revokes: what is in use may exceed the new limit until it falls. Nodes that wait for
    /// more than the new limit are settled as `too_large`.
    void resize(std::size_t count, std::size_t limit, time_point now) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            set_limit(counts_[count], limit);
        }
        work(now);
    }

    /// The same of each key.
    void resize_keys(std::size_t limit, time_point now) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            key_limit_ = limit;
            sweep_ = keys_.empty() ? nullptr : &keys_.front();
        }
        for (bool more = true; more;) {
            {
                std::lock_guard lock(mutex_);
                for (std::size_t i = 0; i < Atomics::batch && sweep_ != nullptr; ++i) {
                    typename key_line::place& at = *sweep_;
                    sweep_ = keys_.after(at);
                    set_limit(*at.self, key_limit_);
                }
                more = sweep_ != nullptr;
            }
            work(now);
        }
    }

    /// Another rate: tokens that are missing stay missing. Look at `next_due` afterwards.
    void change(const gcra_rule& rule, time_point now) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            see(now);
            level_ = rule.taken_over(level_, rule_, latest_);
            rule_ = rule;
            new_limit(rate_);
        }
        work(now);
    }

    void close() noexcept
    {
        closed_.store(true, std::memory_order_release);
        nodes out;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            for (std::size_t i = 0; i < Atomics::batch && !waiting_.empty(); ++i)
                out.push_back(leave(waiting_.front()));
            more = !waiting_.empty();
        }
        work(time_point::min()); // forgets keys
        deliver(out, acquire_result::closed);
    }

    /// There will be no `grant` at `next_due`: those that ask for tokens end.
    void fail() noexcept
    {
        nodes out;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            for (std::size_t i = 0; i < Atomics::batch && !rate_.queue.empty(); ++i)
                out.push_back(leave(*rate_.queue.front().owner));
            more = !rate_.queue.empty();
        }
        work(time_point::min());
        deliver(out, acquire_result::no_timer);
    }

    /// When to call `grant`.
    time_point next_due() const noexcept
    {
        std::lock_guard lock(mutex_);
        const link* const next = rate_.next;
        if (next == nullptr)
            return time_point::max();
        return rule_.when(level_, saturating_sum(rate_.covered, next->weight), time_point::min());
    }

    bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
    std::size_t waiters() const noexcept
    {
        return locked([&] { return waiting_.size(); });
    }
    std::size_t limit(std::size_t count) const noexcept
    {
        return locked([&]() -> std::size_t { return counts_[count].limit; });
    }
    std::size_t in_use(std::size_t count) const noexcept
    {
        return locked([&]() -> std::size_t { return counts_[count].in_use; });
    }
    std::size_t in_use_of_key(const Key& key) const
    {
        return locked([&]() -> std::size_t {
            const auto found = by_key_.find(key);
            return found == by_key_.end() ? 0 : std::size_t(found->second.in_use);
        });
    }
    /// The keys in use, or waited for.
    std::size_t keys() const noexcept
    {
        return locked([&] { return by_key_.size(); });
    }
    std::size_t key_limit() const noexcept
    {
        return locked([&]() -> std::size_t { return key_limit_; });
    }
    /// Precondition: it has a rate.
    gcra_rule rule() const noexcept
    {
        assert(has_rate_);
        return locked([&] { return rule_; });
    }
    /// 0 without a rate.
    std::size_t available(time_point now) const noexcept
    {
        if (!has_rate_)
            return 0;
        return locked([&] { return rule_.available(level_, std::max(now, latest_)); });
    }

private:
    using nodes = list<node, Atomics>;
    static constexpr std::size_t key_place = most_counts;
    static constexpr std::size_t rate_place = most_counts + 1;

    struct results {
        nodes granted, too_large;
    };

    template <class Read>
    auto locked(Read read) const
    {
        std::lock_guard lock(mutex_);
        return read();
    }

    // Clocks that were read before the lock was taken may come in another order.
    void see(time_point now) noexcept { latest_ = std::max(latest_, now); }

    bool has_room(const line& l, std::size_t sum) const noexcept
    {
        if (&l == &rate_)
            return sum <= rule_.burst() && rule_.when(level_, sum, latest_) <= latest_;
        return l.in_use <= l.limit && sum <= l.limit - l.in_use;
    }

    bool is_too_large(const line& l, std::size_t weight) const noexcept
    {
        if (&l == &rate_)
            return weight > rule_.burst();
        return l.limit != 0 && weight > l.limit;
    }

    // Behind all that wait there.
    bool fits_last(const line& l, std::size_t weight) const noexcept
    {
        return l.next == nullptr && has_room(l, saturating_sum(l.covered, weight));
    }

    // But that of a key.
    template <class Do>
    void for_each_share(const admission_shares& s, Do what)
    {
        for (std::size_t i = 0; i < most_counts; ++i)
            if (s.counts[i] != 0)
                what(counts_[i], s.counts[i]);
        if (s.tokens != 0)
            what(rate_, s.tokens);
    }

    // All or nothing: of a newcomer.
    acquire_result pass(const admission_shares& s, const std::optional<Key>& key,
                        key_handle& granted, time_point now)
    {
        if (closed_.load(std::memory_order_relaxed))
            return acquire_result::closed;
        see(now);
        bool too_large = s.key != 0 && key_limit_ != 0 && s.key > key_limit_;
        bool fits = true;
        for_each_share(s, [&](const line& l, std::size_t weight) {
            too_large = too_large || is_too_large(l, weight);
            fits = fits && fits_last(l, weight);
        });
        if (too_large)
            return acquire_result::too_large;
        key_line* own = nullptr;
        if (fits && s.key != 0) {
            own = find(*key);
            fits = own != nullptr ? fits_last(*own, s.key) : s.key <= key_limit_;
        }
        if (!fits)
            return acquire_result::full;
        if (s.key != 0 && own == nullptr)
            own = &make(*key);
        for (std::size_t i = 0; i < most_counts; ++i)
            if (s.counts[i] != 0)
                counts_[i].in_use = counts_[i].in_use + s.counts[i];
        if (own != nullptr)
            own->in_use = own->in_use + s.key;
        if (s.tokens != 0)
            take(s.tokens);
        granted = own;
        return acquire_result::granted;
    }

    void take(std::size_t tokens) noexcept
    {
        [[maybe_unused]] const bool there = rule_.try_take(level_, tokens, latest_);
        assert(there && "what is covered was not there");
    }

    // Behind all others, in all its lines.
    void enqueue(node& n)
    {
        if (n.shares_.key != 0) {
            key_line* own = find(*n.key_);
            join(n.links_[key_place], own != nullptr ? *own : make(*n.key_));
        }
        for (std::size_t i = 0; i < most_counts; ++i)
            if (n.shares_.counts[i] != 0)
                join(n.links_[i], counts_[i]);
        if (n.shares_.tokens != 0)
            join(n.links_[rate_place], rate_);
        n.parked_ = true;
        waiting_.push_back(n);
    }

    void join(link& k, line& l) noexcept
    {
        k.in = &l;
        k.covered = fits_last(l, k.weight);
        if (k.covered) {
            l.covered = l.covered + k.weight;
        } else {
            k.owner->missing_ = k.owner->missing_ + 1;
            if (l.next == nullptr)
                l.next = &k;
        }
        l.queue.push_back(k);
    }

    void part(link& k) noexcept
    {
        line& l = *k.in;
        if (k.covered)
            l.covered = l.covered - k.weight;
        if (l.next == &k)
            l.next = l.queue.after(k);
        if (l.unchecked == &k)
            l.unchecked = l.queue.after(k);
        l.queue.erase(k);
        k.in = nullptr;
        k.covered = false;
    }

    node& leave(node& n) noexcept
    {
        for (link& each : n.links_)
            if (line* const l = each.in; l != nullptr) {
                part(each);
                mark(*l);
            }
        n.missing_ = 0;
        n.parked_ = false;
        waiting_.erase(n);
        return n;
    }

    // It is covered in all its lines: what it claims there becomes what it has.
    node& let_pass(node& n) noexcept
    {
        for (link& each : n.links_) {
            line* const l = each.in;
            if (l == nullptr)
                continue;
            part(each);
            if (l == &rate_)
                take(each.weight);
            else
                l->in_use = l->in_use + each.weight;
            if (&each == &n.links_[key_place])
                n.granted_key_ = static_cast<key_line*>(l);
        }
        n.parked_ = false;
        waiting_.erase(n);
        return n;
    }

    void give_back(line& l, std::size_t weight) noexcept
    {
        l.in_use = l.in_use - weight;
        if (l.next != nullptr)
            mark(l);
    }

    void mark(line& l) noexcept
    {
        if (l.listed)
            return;
        l.listed = true;
        unfinished_.push_back(l);
    }

    void set_limit(line& l, std::size_t limit) noexcept
    {
        l.limit = limit;
        new_limit(l);
    }

    // Those that are covered, and are not any more, are uncovered before anything else happens.
    void new_limit(line& l) noexcept
    {
        while (l.covered != 0 && !has_room(l, l.covered)) {
            link* const first = l.next;
            link& last = first != nullptr ? *l.queue.before(*first) : l.queue.back();
            last.covered = false;
            last.owner->missing_ = last.owner->missing_ + 1;
            l.covered = l.covered - last.weight;
            l.next = &last;
        }
        l.unchecked = l.queue.empty() ? nullptr : &l.queue.front();
        mark(l);
    }

    // Whatever there is to do. True: nodes left their lines.
    bool work(time_point now) noexcept
    {
        results made;
        bool more = false;
        {
            std::lock_guard lock(mutex_);
            see(now);
            more = work_some(made);
        }
        return finish(made, more);
    }

    bool finish(results& made, bool more) noexcept
    {
        while (more) {
            std::lock_guard lock(mutex_);
            more = work_some(made);
        }
        const bool any = !made.granted.empty() || !made.too_large.empty();
        deliver(made.granted, acquire_result::granted);
        deliver(made.too_large, acquire_result::too_large);
        return any;
    }

    // Under the lock, a bounded number of steps. True: there is more.
    bool work_some(results& made) noexcept
    {
        for (std::size_t left = Atomics::batch; !unfinished_.empty();) {
            line& l = unfinished_.front();
            if (!check_weights(l, made, left) || !cover(l, made, left))
                return true;
            unfinished_.erase(l);
            l.listed = false;
            if (&l != &rate_ && !is_count(l) && l.in_use == 0 && l.queue.empty())
                forget(static_cast<key_line&>(l));
        }
        return false;
    }

    // False: there are more.
    bool check_weights(line& l, results& made, std::size_t& left) noexcept
    {
        while (link* const each = l.unchecked) {
            if (left == 0)
                return false;
            --left;
            l.unchecked = l.queue.after(*each);
            if (is_too_large(l, each->weight))
                made.too_large.push_back(leave(*each->owner));
        }
        return true;
    }

    bool cover(line& l, results& made, std::size_t& left) noexcept
    {
        if (closed_.load(std::memory_order_relaxed))
            return true; // `close` ends those that are left
        while (link* const each = l.next) {
            if (!has_room(l, saturating_sum(l.covered, each->weight)))
                return true;
            if (left == 0)
                return false;
            --left;
            each->covered = true;
            l.covered = l.covered + each->weight;
            l.next = l.queue.after(*each);
            each->owner->missing_ = each->owner->missing_ - 1;
            if (each->owner->missing_ == 0)
                made.granted.push_back(let_pass(*each->owner));
        }
        return true;
    }

    bool is_count(const line& l) const noexcept
    {
        for (const line& each : counts_)
            if (&each == &l)
                return true;
        return false;
    }

    key_line* find(const Key& key)
    {
        const auto found = by_key_.find(key);
        return found == by_key_.end() ? nullptr : &found->second;
    }

    key_line& make(const Key& key)
    {
        const auto made = by_key_.try_emplace(key).first;
        key_line& l = made->second;
        l.key = &made->first;
        l.limit = key_limit_;
        l.among_all.self = &l;
        keys_.push_back(l.among_all);
        return l;
    }

    void forget(key_line& l) noexcept
    {
        if (sweep_ == &l.among_all)
            sweep_ = keys_.after(l.among_all);
        keys_.erase(l.among_all);
        by_key_.erase(by_key_.find(*l.key));
    }

    static void deliver(nodes& to, acquire_result result) noexcept
    {
        while (!to.empty())
            to.pop_front().settled(result);
    }

    typename Atomics::template atomic<bool> closed_{false};
    mutable typename Atomics::mutex mutex_;
    std::array<line, most_counts> counts_;
    line rate_;
    plain<std::size_t> key_limit_;
    const bool has_rate_;
    gcra_rule rule_;
    gcra_level level_;
    time_point latest_ = time_point::min();
    nodes waiting_; // in the order of arrival
    list<line, Atomics> unfinished_;
    list<typename key_line::place, Atomics> keys_;
    plain<typename key_line::place*> sweep_{nullptr}; // the first with an old limit
    std::unordered_map<Key, key_line, Hash> by_key_;
};

} // namespace weir::detail
