#pragma once

#include <weir/detail/atomics.hpp>
#include <weir/detail/list.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace weir::detail {

enum class acquire_result { granted, parked, full, closed, too_large };

/// The rule of a weighted, first-come-first-served semaphore. Knows no executor, no clock, no
/// handler.
///
/// One word holds what is in use and two flags. While nobody waits, acquiring is one
/// compare-and-swap on it and releasing another. The `waiting` flag sends everybody through the
/// lock, so that no newcomer overtakes; a releaser that saw the flag unset subtracted before the
/// waiter set it, and the waiter looks again after setting it: one of the two always sees the
/// other.
///
/// A limit of 0 lets nobody through for now; it is not too small for anybody.
template <class Policy = real_atomics>
class semaphore_core {
public:
    struct node : list_node {
        explicit node(std::size_t w) : weight(w) {}
        /// Called once, outside locks, unless `unpark` returned true. Never `parked` or `full`.
        virtual void decided(acquire_result how) noexcept = 0;

        const std::size_t weight;

    protected:
        ~node() = default;

    private:
        friend class semaphore_core;
        bool parked_ = false; // in the queue; not in a list of decisions on its way out
    };

    /// While the head of the queue waits for much, up to `overtakers` may pass it.
    explicit semaphore_core(std::size_t limit, std::size_t overtakers = 0)
        : limit_(limit), overtakers_(overtakers)
    {
    }

    acquire_result try_acquire(std::size_t weight) noexcept
    {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        for (;;) {
            if ((word & closed) != 0)
                return acquire_result::closed;
            const std::size_t limit = limit_.load(std::memory_order_relaxed);
            if (is_too_large(weight, limit))
                return acquire_result::too_large;
            if ((word & waiting) != 0 || !fits(word, weight, limit))
                return acquire_result::full;
            if (word_.compare_exchange_weak(word, word + weight * one, std::memory_order_acquire,
                                            std::memory_order_relaxed))
                return acquire_result::granted;
        }
    }

    /// Grants at once when nobody waits and there is room, else parks the node.
    acquire_result park(node& n) noexcept
    {
        std::lock_guard lock(mutex_);
        word_.fetch_or(waiting);
        acquire_result how = acquire_result::parked;
        if ((word_.load() & closed) != 0)
            how = acquire_result::closed;
        else if (is_too_large(n.weight, limit_.load(std::memory_order_relaxed)))
            how = acquire_result::too_large;
        else if (queue_.empty() ? take(n.weight) : overtake(n.weight))
            how = acquire_result::granted;
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
            leave(n);
            grant(made);
        }
        made.tell();
        return true;
    }

    /// The core may be gone when this returns.
    void release(std::size_t weight) noexcept
    {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        while ((word & (waiting | orphaned)) == 0)
            if (word_.compare_exchange_weak(word, word - weight * one))
                return;
        release_under_lock(weight);
    }

    /// For who owns the core and gives it up: it lives on until the last of what is in use is
    /// released, so that what is in use need not own it. Closed before.
    static void outlive(std::shared_ptr<semaphore_core> self) noexcept
    {
        std::lock_guard lock(self->mutex_);
        if (self->word_.fetch_or(orphaned) / one != 0)
            self->self_ = self;
    }

    /// Never revokes: what is in use may exceed the new limit until it falls. Whoever waits for
    /// more than the new limit is told so.
    void resize(std::size_t limit) noexcept
    {
        decisions made;
        {
            std::lock_guard lock(mutex_);
            limit_.store(limit);
            for_each_waiting([&](node& n) {
                if (is_too_large(n.weight, limit))
                    made.too_large.push_back(leave(n));
            });
            grant(made);
        }
        made.tell();
    }

    void close() noexcept
    {
        word_.fetch_or(closed);
        decisions made;
        {
            std::lock_guard lock(mutex_);
            while (!queue_.empty())
                made.closed.push_back(leave(queue_.front()));
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
    static constexpr std::uint64_t orphaned = 4; // only what is in use keeps it
    static constexpr std::uint64_t one = 8;      // what is in use is counted above the flags

    // Collected under the lock, told outside it.
    struct decisions {
        list<node> granted, too_large, closed;

        void tell() noexcept
        {
            tell(granted, acquire_result::granted);
            tell(too_large, acquire_result::too_large);
            tell(closed, acquire_result::closed);
        }

        static void tell(list<node>& nodes, acquire_result how) noexcept
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

    static bool is_too_large(std::size_t weight, std::size_t limit) noexcept
    {
        return limit != 0 && weight > limit;
    }

    void enqueue(node& n) noexcept
    {
        n.parked_ = true;
        queue_.push_back(n);
    }

    node& leave(node& n) noexcept
    {
        if (&n == &queue_.front())
            overtaken_ = 0; // another is the head
        n.parked_ = false;
        queue_.erase(n);
        return n;
    }

    // The one at hand may leave the queue.
    template <class Do>
    void for_each_waiting(Do what) noexcept
    {
        node* n = queue_.empty() ? nullptr : &queue_.front();
        while (n != nullptr) {
            node* const next = queue_.after(*n);
            what(*n);
            n = next;
        }
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

    // Past the head of the queue, which waits for more than there is.
    bool overtake(std::size_t weight) noexcept
    {
        if (overtaken_ >= overtakers_ || !take(weight))
            return false;
        ++overtaken_;
        return true;
    }

    void grant(decisions& made) noexcept
    {
        while (!queue_.empty() && take(queue_.front().weight))
            made.granted.push_back(leave(queue_.front()));
        if (overtaken_ < overtakers_)
            for_each_waiting([&](node& n) {
                if (&n != &queue_.front() && overtake(n.weight))
                    made.granted.push_back(leave(n));
            });
        if (queue_.empty())
            word_.fetch_and(~waiting);
    }

    // Not inlined: into a permit's destructor, g++ 12 follows a null pointer there that it has just
    // seen excluded, and warns.
    [[gnu::noinline]] void release_under_lock(std::size_t weight) noexcept
    {
        decisions made;
        std::shared_ptr<semaphore_core> last;
        {
            std::lock_guard lock(mutex_);
            const std::uint64_t before = word_.fetch_sub(weight * one);
            if ((before & orphaned) != 0 && before / one == weight)
                last = std::move(self_);
            grant(made);
        }
        made.tell();
    }

    typename Policy::template atomic<std::uint64_t> word_{0};
    typename Policy::template atomic<std::size_t> limit_;
    const std::size_t overtakers_;
    mutable typename Policy::mutex mutex_;
    std::size_t overtaken_ = 0; // how many passed the present head of the queue
    list<node> queue_;
    std::shared_ptr<semaphore_core> self_; // when nobody else owns it, and something is in use
};

} // namespace weir::detail
