#pragma once

#include <weir/sync/detail/list.hpp>
#include <weir/sync/detail/policy.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace weir::detail {

enum class acquired { granted, parked, full, closed, too_large };

/// The rule of a weighted, first-come-first-served semaphore. Knows no executor, no clock, no
/// handler.
///
/// One word holds what is in use and two flags. While nobody waits, acquiring is one
/// compare-and-swap on it and releasing one subtraction. The `waiting` flag sends everybody through
/// the lock, so that no newcomer overtakes; a releaser that saw the flag unset subtracted before
/// the waiter set it, and the waiter looks again after setting it: one of the two always sees the
/// other.
template <class Policy = real_policy>
class semaphore_core {
public:
    struct node : list_node {
        explicit node(std::size_t w) : weight(w) {}
        /// Called once, outside locks, unless `unpark` returned true. Never `parked` or `full`.
        virtual void decided(acquired how) noexcept = 0;

        const std::size_t weight;

    protected:
        ~node() = default;

    private:
        friend class semaphore_core;
        bool parked_ = false; // in the queue; not in a list of decisions on its way out
    };

    explicit semaphore_core(std::size_t limit) : limit_(limit) {}

    acquired try_acquire(std::size_t weight) noexcept
    {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        for (;;) {
            if ((word & closed) != 0)
                return acquired::closed;
            const std::size_t limit = limit_.load(std::memory_order_relaxed);
            if (weight > limit)
                return acquired::too_large;
            if ((word & waiting) != 0 || !fits(word, weight, limit))
                return acquired::full;
            if (word_.compare_exchange_weak(word, word + weight * one, std::memory_order_acquire,
                                            std::memory_order_relaxed))
                return acquired::granted;
        }
    }

    /// Grants at once when nobody waits and there is room, else parks the node.
    acquired park(node& n) noexcept
    {
        std::lock_guard lock(mutex_);
        word_.fetch_or(waiting);
        acquired how = acquired::parked;
        if ((word_.load() & closed) != 0)
            how = acquired::closed;
        else if (n.weight > limit_.load(std::memory_order_relaxed))
            how = acquired::too_large;
        else if (queue_.empty() && take(n.weight))
            how = acquired::granted;
        else
            enqueue(n);
        if (queue_.empty())
            word_.fetch_and(~waiting);
        return how;
    }

    /// True: the node had not been decided, and will not be. Those behind it are looked at again,
    ///       for the
    /// head of the queue may have been what held them back.
    bool unpark(node& n) noexcept
    {
        decisions made;
        {
            std::lock_guard lock(mutex_);
            if (!n.parked_)
                return false;
            n.parked_ = false;
            queue_.erase(n);
            grant(made);
        }
        made.tell();
        return true;
    }

    void release(std::size_t weight) noexcept
    {
        if ((word_.fetch_sub(weight * one) & waiting) != 0)
            grant_waiting();
    }

    /// Never revokes: what is in use may exceed the new limit until it falls. Whoever waits for
    /// more than the new limit is told so.
    void resize(std::size_t limit) noexcept
    {
        limit_.store(limit);
        grant_waiting();
    }

    void close() noexcept
    {
        word_.fetch_or(closed);
        decisions made;
        {
            std::lock_guard lock(mutex_);
            while (!queue_.empty())
                made.closed.push_back(dequeue());
            word_.fetch_and(~waiting);
        }
        made.tell();
    }

    std::size_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
    std::size_t in_use() const noexcept { return word_.load(std::memory_order_relaxed) / one; }
    bool is_closed() const noexcept
    {
        return (word_.load(std::memory_order_relaxed) & closed) != 0;
    }

    std::size_t waiters() const noexcept
    {
        std::lock_guard lock(mutex_);
        return queue_.size();
    }

private:
    static constexpr std::uint64_t waiting = 1;
    static constexpr std::uint64_t closed = 2;
    static constexpr std::uint64_t one = 4; // what is in use is counted above the flags

    // Collected under the lock, told outside it.
    struct decisions {
        list<node> granted, too_large, closed;

        void tell() noexcept
        {
            tell(granted, acquired::granted);
            tell(too_large, acquired::too_large);
            tell(closed, acquired::closed);
        }

        static void tell(list<node>& nodes, acquired how) noexcept
        {
            while (!nodes.empty())
                nodes.pop_front().decided(how);
        }
    };

    static bool fits(std::uint64_t word, std::size_t weight, std::size_t limit) noexcept
    {
        const std::uint64_t in_use = word / one;
        return in_use <= limit && weight <= limit - in_use;
    }

    void enqueue(node& n) noexcept
    {
        n.parked_ = true;
        queue_.push_back(n);
    }

    node& dequeue() noexcept
    {
        node& n = queue_.pop_front();
        n.parked_ = false;
        return n;
    }

    // Under the lock, with `waiting` set: only releases move the word meanwhile.
    bool take(std::size_t weight) noexcept
    {
        std::uint64_t word = word_.load();
        while (fits(word, weight, limit_.load(std::memory_order_relaxed)))
            if (word_.compare_exchange_weak(word, word + weight * one))
                return true;
        return false;
    }

    void grant(decisions& made) noexcept
    {
        while (!queue_.empty()) {
            node& head = queue_.front();
            if (head.weight > limit_.load(std::memory_order_relaxed))
                made.too_large.push_back(dequeue());
            else if (take(head.weight))
                made.granted.push_back(dequeue());
            else
                break;
        }
        if (queue_.empty())
            word_.fetch_and(~waiting);
    }

    void grant_waiting() noexcept
    {
        decisions made;
        {
            std::lock_guard lock(mutex_);
            grant(made);
        }
        made.tell();
    }

    typename Policy::template atomic<std::uint64_t> word_{0};
    typename Policy::template atomic<std::size_t> limit_;
    mutable typename Policy::mutex mutex_;
    list<node> queue_;
};

} // namespace weir::detail
