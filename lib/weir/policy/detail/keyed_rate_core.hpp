#pragma once

#include <weir/detail/acquire_result.hpp>
#include <weir/detail/atomics.hpp>
#include <weir/detail/gcra.hpp>
#include <weir/detail/instant_heap.hpp>
#include <weir/detail/list.hpp>
#include <weir/duration.hpp>
#include <weir/policy/detail/key_table.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace weir::detail {

/// The rule of a rate for each key, with a line of waiters for each: first come, first served, by
/// weight. Knows no executor, clock or handler; the caller passes the time.
///
/// A key is remembered while its bucket is not full. Where none waits, its entry is in a heap by
/// the moment from which it may be forgotten, at the earliest: taking moves that moment, but not
/// the entry, which is looked at again when it comes up. Each call looks at two of them. Where some
/// wait, the entry is in another heap, by the moment at which the first of them is granted.
///
/// The lock is held for a bounded number of nodes and keys. Nodes that left their line are settled
/// outside it. The caller keeps the core alive.
template <class Key, class Hash, class Atomics = real_atomics>
class keyed_rate_core {
    template <class V>
    using plain = typename Atomics::template plain<V>;
    struct entry;

public:
    struct node : list_node<Atomics> {
        node(Key k, std::uint32_t h, std::size_t w) : weight(w), hash(h), key(std::move(k)) {}
        /// Called once, outside locks, unless `unpark` or `give_up` returned true. The result is
        /// `granted`, `closed`, `too_large` or `no_timer`.
        virtual void settled(acquire_result result) noexcept = 0;

        const std::size_t weight;
        const std::uint32_t hash;
        const Key key;

    protected:
        ~node() = default;

    private:
        friend class keyed_rate_core;
        plain<entry*> of_{nullptr}; // while it is parked
        plain<bool> given_up_{false};
    };

    /// No more than `max_keys` are remembered.
    keyed_rate_core(const gcra_rule& rule, std::size_t max_keys) : rule_(rule), most_(max_keys) {}
    keyed_rate_core(const keyed_rate_core&) = delete;
    keyed_rate_core& operator=(const keyed_rate_core&) = delete;

    /// Throws what the hash function throws.
    std::uint32_t hash_of(const Key& key) const
    {
        return static_cast<std::uint32_t>(spread(hash_(key)) >> 32);
    }

    /// `full` too when there are too many keys to remember this one. Throws when there is no memory
    /// for it; nothing was taken then.
    acquire_result try_acquire(const Key& key, std::uint32_t hash, std::size_t weight,
                               time_point now)
    {
        for (;;) {
            std::lock_guard lock(mutex_);
            const auto [result, own] = take(key, hash, weight, now);
            if (!is_worth_looking(result, own))
                return result;
        }
    }

    /// Grants at once when nothing waits and there are tokens; otherwise parks the node. Once
    /// parked it may be gone. `timed_out`: it would have to park, and was given up before. `full`:
    /// there are too many keys. If it is parked, look at `next_due`.
    acquire_result park(node& n, time_point now) noexcept
    {
        try {
            for (;;) {
                std::lock_guard lock(mutex_);
                const auto [result, own] = take(n.key, n.hash, n.weight, now);
                if (is_worth_looking(result, own))
                    continue;
                if (result != acquire_result::full || own == nullptr)
                    return result;
                if (n.given_up_)
                    return acquire_result::timed_out;
                due_.reserve(due_.size() + 1);
                wait(*own, n);
                return acquire_result::parked;
            }
        } catch (...) { // a key that throws something else as it is copied
            return acquire_result::no_memory;
        }
    }

    /// True: the node was parked, and `settled` will not be called. Look at `next_due` then.
    bool unpark(node& n, time_point now) noexcept { return leave(n, now, false); }
    /// As `unpark`. If it was not parked, it will not park any more either.
    bool give_up(node& n, time_point now) noexcept { return leave(n, now, true); }

    /// What waits by now.
    void grant(time_point now) noexcept
    {
        list<node, Atomics> granted;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            see(now);
            std::size_t left = Atomics::batch;
            while (left != 0 && !due_.empty() && due_.first_at() <= latest_)
                serve(due_.first(), granted, left);
            more = left == 0;
        }
        deliver(granted, acquire_result::granted);
    }

    /// What is missing stays missing, and comes back at the new rate. Nodes that wait for more than
    /// the new burst are settled as `too_large`. Look at `next_due` afterwards.
    void change(const gcra_rule& rule, time_point now) noexcept
    {
        list<node, Atomics> granted, too_large;
        for (bool begun = false, more = true; more;) {
            std::lock_guard lock(mutex_);
            see(now);
            more = sweep(granted, too_large); // another change comes to its end first
            if (!more && !begun) {
                begun = more = true;
                before_ = std::exchange(rule_, rule);
                epoch_ = !epoch_;
                begin_sweep(entries_.empty() ? nullptr : &entries_.front());
            }
        }
        deliver(granted, acquire_result::granted);
        deliver(too_large, acquire_result::too_large);
    }

    void close() noexcept
    {
        closed_.store(true, std::memory_order_release);
        empty_lines(acquire_result::closed);
    }

    /// There will be no `grant` at `next_due`.
    void fail() noexcept { empty_lines(acquire_result::no_timer); }

    /// When to call `grant`: never, while nothing waits.
    time_point next_due() const noexcept
    {
        std::lock_guard lock(mutex_);
        return due_.first_at();
    }

    bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
    std::size_t max_keys() const noexcept { return most_; }

    std::size_t waiters() const noexcept
    {
        std::lock_guard lock(mutex_);
        return waiting_;
    }
    std::size_t waiters(const Key& key) const
    {
        const std::uint32_t hash = hash_of(key);
        std::lock_guard lock(mutex_);
        const entry* const own = table_.find(key, hash);
        return own == nullptr ? 0 : own->line.size();
    }
    gcra_rule rule() const noexcept
    {
        std::lock_guard lock(mutex_);
        return rule_;
    }
    std::size_t available(const Key& key, time_point now)
    {
        const std::uint32_t hash = hash_of(key);
        std::lock_guard lock(mutex_);
        see(now);
        entry* const own = table_.find(key, hash);
        return own == nullptr ? rule_.burst() : rule_.available(current(*own), latest_);
    }
    /// Those remembered, when all that may be forgotten by now are.
    std::size_t keys(time_point now) noexcept
    {
        for (;;) {
            std::lock_guard lock(mutex_);
            see(now);
            if (!forget_some(Atomics::batch))
                return table_.size();
        }
    }

private:
    // `key_table` asks for a key, a hash and a block.
    struct entry : list_node<Atomics>, instant_heap_node {
        explicit entry(const Key& k) : key(k) {}

        const Key key;
        std::uint32_t hash = 0;
        std::uint32_t block = 0;
        gcra_level level;
        list<node, Atomics> line;
        bool epoch = false;
    };

    // Clocks that were read before the lock was taken may come in another order. A key that was
    // forgotten later must not be asked for earlier.
    void see(time_point now) noexcept { latest_ = std::max(latest_, now); }

    // During a change, the levels of some are still those of the rule before.
    gcra_level& current(entry& e) noexcept
    {
        if (e.epoch != epoch_) {
            e.level = rule_.taken_over(e.level, before_, latest_);
            e.epoch = epoch_;
        }
        return e.level;
    }

    // Or why not; `full` with an entry: it may wait there.
    std::pair<acquire_result, entry*> take(const Key& key, std::uint32_t hash, std::size_t weight,
                                           time_point now)
    {
        if (closed_.load(std::memory_order_relaxed))
            return {acquire_result::closed, nullptr};
        if (weight > rule_.burst())
            return {acquire_result::too_large, nullptr};
        see(now);
        forget_some(2);
        entry* own = table_.find(key, hash);
        if (own == nullptr && table_.size() >= most_)
            forget_some(Atomics::batch);
        if (own == nullptr && table_.size() >= most_)
            return {acquire_result::full, nullptr};
        if (own == nullptr)
            own = &make(key, hash); // of a full bucket
        if (!own->line.empty() || !rule_.try_take(current(*own), weight, latest_))
            return {acquire_result::full, own};
        if (!idle_.holds(*own))
            idle_.put(*own, gcra_rule::when_full(own->level));
        return {acquire_result::granted, own};
    }

    // There is no place for its key, but entries that came up were not looked at yet. Each that is
    // looked at is forgotten, or goes back to where it belongs: what took from it pays for that.
    bool is_worth_looking(acquire_result result, const entry* own) const noexcept
    {
        return result == acquire_result::full && own == nullptr && has_come_up();
    }

    bool has_come_up() const noexcept { return !idle_.empty() && idle_.first_at() <= latest_; }

    entry& make(const Key& key, std::uint32_t hash)
    {
        idle_.reserve(table_.size() + 1);
        entry& made = table_.insert(key, hash);
        made.epoch = epoch_;
        entries_.push_back(made);
        return made;
    }

    // True: there are more.
    bool forget_some(std::size_t steps) noexcept
    {
        for (; steps != 0 && has_come_up(); --steps) {
            entry& e = idle_.first();
            if (gcra_rule::is_full(current(e), latest_))
                forget(e);
            else
                idle_.put(e, gcra_rule::when_full(e.level));
        }
        return has_come_up();
    }

    void forget(entry& e) noexcept
    {
        idle_.remove(e);
        if (entry* const next = next_swept_; next == &e)
            begin_sweep(entries_.after(e));
        entries_.erase(e);
        table_.erase(e);
        if (table_.size() == 0)
            idle_.shrink(0);
    }

    void wait(entry& e, node& n) noexcept
    {
        if (idle_.holds(e))
            idle_.remove(e);
        n.of_ = &e;
        e.line.push_back(n);
        ++waiting_;
        if (e.line.size() == 1)
            due_.put(e, when_first(e));
    }

    time_point when_first(entry& e) const noexcept
    {
        return rule_.when(e.level, e.line.front().weight, time_point::min());
    }

    node& dequeue(node& n) noexcept
    {
        entry& e = *n.of_;
        if (node* const next = unchecked_; next == &n)
            unchecked_ = e.line.after(n);
        e.line.erase(n);
        n.of_ = nullptr;
        --waiting_;
        return n;
    }

    // From the front of a line, what there is by now. Afterwards the entry is in the heap where it
    // belongs.
    void serve(entry& e, list<node, Atomics>& granted, std::size_t& left) noexcept
    {
        current(e);
        if (left != 0)
            --left; // an entry that grants none costs something, too
        while (left != 0 && !e.line.empty() &&
               rule_.try_take(e.level, e.line.front().weight, latest_)) {
            granted.push_back(dequeue(e.line.front()));
            --left;
        }
        if (!e.line.empty())
            return due_.put(e, when_first(e));
        if (due_.holds(e))
            due_.remove(e);
        idle_.put(e, gcra_rule::when_full(e.level));
    }

    bool leave(node& n, time_point now, bool for_good) noexcept
    {
        list<node, Atomics> granted;
        {
            std::lock_guard lock(mutex_);
            entry* const own = n.of_;
            if (own == nullptr) {
                n.given_up_ = n.given_up_ || for_good;
                return false;
            }
            see(now);
            dequeue(n);
            std::size_t left = Atomics::batch; // what is more than that is due at once
            serve(*own, granted, left);
        }
        deliver(granted, acquire_result::granted);
        return true;
    }

    void begin_sweep(entry* first) noexcept
    {
        next_swept_ = first;
        unchecked_ = first == nullptr || first->line.empty() ? nullptr : &first->line.front();
    }

    // Brings entries over to a changed rule, a bounded number of steps. True: there are more.
    bool sweep(list<node, Atomics>& granted, list<node, Atomics>& too_large) noexcept
    {
        for (std::size_t left = Atomics::batch; next_swept_ != nullptr;) {
            entry& e = *next_swept_;
            while (node* const n = unchecked_) {
                if (left == 0)
                    return true;
                --left;
                unchecked_ = e.line.after(*n);
                if (n->weight > rule_.burst())
                    too_large.push_back(dequeue(*n));
            }
            if (left == 0)
                return true;
            serve(e, granted, left); // what is more than that is due at once
            begin_sweep(entries_.after(e));
        }
        return false;
    }

    void empty_lines(acquire_result why) noexcept
    {
        list<node, Atomics> out;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            for (std::size_t i = 0; i < Atomics::batch && !due_.empty(); ++i) {
                entry& e = due_.first();
                out.push_back(dequeue(e.line.front()));
                if (e.line.empty()) {
                    due_.remove(e);
                    idle_.put(e, gcra_rule::when_full(current(e)));
                }
            }
            more = !due_.empty();
        }
        deliver(out, why);
    }

    static void deliver(list<node, Atomics>& to, acquire_result result) noexcept
    {
        while (!to.empty())
            to.pop_front().settled(result);
    }

    [[no_unique_address]] Hash hash_;
    typename Atomics::template atomic<bool> closed_{false};
    mutable typename Atomics::mutex mutex_;
    gcra_rule rule_;
    gcra_rule before_ = rule_; // of entries from another epoch
    bool epoch_ = false;
    const std::size_t most_;
    time_point latest_ = time_point::min();
    key_table<entry> table_;
    list<entry, Atomics> entries_;
    instant_heap<entry> idle_; // none waits: when to look whether the bucket is full
    instant_heap<entry> due_;  // some wait: when the first is granted
    std::size_t waiting_ = 0;
    plain<entry*> next_swept_{nullptr}; // the first that `change` has not brought over
    plain<node*> unchecked_{nullptr};   // of its line, the first not compared with the burst
};

} // namespace weir::detail
