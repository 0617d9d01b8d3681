#pragma once

#include <weir/detail/acquire_result.hpp>
#include <weir/detail/atomics.hpp>
#include <weir/detail/gcra.hpp>
#include <weir/detail/list.hpp>
#include <weir/duration.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>

namespace weir::detail {

/// The rule of a rate with a line of waiters: first come, first served, by weight. Knows no
/// executor, clock or handler; the caller passes the time.
///
/// Tokens are taken at the grant, so a waiter that leaves owes nothing. After each call that says
/// so, and after each `grant`, there may be another moment at which to call `grant`: `next_due`.
///
/// The lock is held for a bounded number of nodes. Nodes that left the line are settled outside it.
/// The caller keeps the core alive.
template <class Atomics = real_atomics>
class rate_core {
    template <class V>
    using plain = typename Atomics::template plain<V>;

public:
    struct node : list_node<Atomics> {
        explicit node(std::size_t w) : weight(w) {}
        /// Called once, outside locks, unless `unpark` or `give_up` returned true. The result is
        /// `granted`, `closed`, `too_large` or `no_timer`.
        virtual void settled(acquire_result result) noexcept = 0;

        const std::size_t weight;

    protected:
        ~node() = default;

    private:
        friend class rate_core;
        plain<bool> parked_{false};
        plain<bool> given_up_{false};
    };

    explicit rate_core(const gcra_rule& rule) : rule_(rule) {}

    acquire_result try_acquire(std::size_t weight, time_point now) noexcept
    {
        std::lock_guard lock(mutex_);
        if (closed_.load(std::memory_order_relaxed))
            return acquire_result::closed;
        if (queue_.empty() && rule_.try_take(level_, weight, now))
            return acquire_result::granted;
        return weight > rule_.burst() ? acquire_result::too_large : acquire_result::full;
    }

    /// Grants at once when nothing waits and there are tokens; otherwise parks the node. Once
    /// parked it may be gone. `timed_out`: it would have to park, and was given up before. If it is
    /// parked, look at `next_due`.
    acquire_result park(node& n, time_point now) noexcept
    {
        std::lock_guard lock(mutex_);
        if (closed_.load(std::memory_order_relaxed))
            return acquire_result::closed;
        if (n.weight > rule_.burst())
            return acquire_result::too_large;
        if (queue_.empty() && rule_.try_take(level_, n.weight, now))
            return acquire_result::granted;
        if (n.given_up_)
            return acquire_result::timed_out;
        n.parked_ = true;
        queue_.push_back(n);
        return acquire_result::parked;
    }

    /// True: the node was parked, and `settled` will not be called. Look at `next_due` then.
    bool unpark(node& n, time_point now) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            if (!n.parked_)
                return false;
            dequeue(n);
        }
        grant(now);
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
            dequeue(n);
        }
        grant(now);
        return true;
    }

    /// Grants what there is by now, from the front of the line.
    void grant(time_point now) noexcept
    {
        list<node, Atomics> granted, too_large;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            more = check_weights(too_large);
            more = grant_some(granted, now) || more;
        }
        deliver(granted, acquire_result::granted);
        deliver(too_large, acquire_result::too_large);
    }

    /// What is missing stays missing, and comes back at the new rate. Nodes that wait for more than
    /// the new burst are settled as `too_large`. Look at `next_due` afterwards.
    void change(const gcra_rule& rule, time_point now) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            level_ = rule.taken_over(level_, rule_, now);
            rule_ = rule;
            unchecked_ = queue_.empty() ? nullptr : &queue_.front();
        }
        grant(now);
    }

    void close() noexcept
    {
        closed_.store(true, std::memory_order_release);
        empty_line(acquire_result::closed);
    }

    /// There will be no `grant` at `next_due`.
    void fail() noexcept { empty_line(acquire_result::no_timer); }

    /// When to call `grant`: never, while nothing waits.
    time_point next_due() const noexcept
    {
        std::lock_guard lock(mutex_);
        if (queue_.empty())
            return time_point::max();
        return rule_.when(level_, queue_.front().weight, time_point::min());
    }

    bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    std::size_t waiters() const noexcept
    {
        std::lock_guard lock(mutex_);
        return queue_.size();
    }

    gcra_rule rule() const noexcept
    {
        std::lock_guard lock(mutex_);
        return rule_;
    }

    std::size_t available(time_point now) const noexcept
    {
        std::lock_guard lock(mutex_);
        return rule_.available(level_, now);
    }

private:
    node& dequeue(node& n) noexcept
    {
        if (node* const next = unchecked_; next == &n)
            unchecked_ = queue_.after(n);
        n.parked_ = false;
        queue_.erase(n);
        return n;
    }

    // Under the lock, for a bounded number of nodes. True: there are more.
    bool grant_some(list<node, Atomics>& granted, time_point now) noexcept
    {
        if (closed_.load(std::memory_order_relaxed))
            return false; // `close` ends those that are left
        for (std::size_t i = 0; i < Atomics::batch; ++i) {
            if (queue_.empty() || !rule_.try_take(level_, queue_.front().weight, now))
                return false;
            granted.push_back(dequeue(queue_.front()));
        }
        return true;
    }

    // After a change, in the same way.
    bool check_weights(list<node, Atomics>& too_large) noexcept
    {
        node* next = unchecked_;
        for (std::size_t i = 0; i < Atomics::batch && next != nullptr; ++i) {
            node& n = *next;
            next = queue_.after(n);
            if (n.weight > rule_.burst())
                too_large.push_back(dequeue(n));
        }
        unchecked_ = next;
        return next != nullptr;
    }

    void empty_line(acquire_result why) noexcept
    {
        list<node, Atomics> out;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            for (std::size_t i = 0; i < Atomics::batch && !queue_.empty(); ++i)
                out.push_back(dequeue(queue_.front()));
            more = !queue_.empty();
        }
        deliver(out, why);
    }

    static void deliver(list<node, Atomics>& to, acquire_result result) noexcept
    {
        while (!to.empty())
            to.pop_front().settled(result);
    }

    typename Atomics::template atomic<bool> closed_{false};
    mutable typename Atomics::mutex mutex_;
    gcra_rule rule_;
    gcra_level level_;
    list<node, Atomics> queue_;
    plain<node*> unchecked_{nullptr}; // the first that `change` has not compared with the burst yet
};

} // namespace weir::detail
