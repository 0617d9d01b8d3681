#pragma once

#include <weir/detail/acquire_result.hpp>
#include <weir/detail/atomics.hpp>
#include <weir/detail/list.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace weir::detail {

/// The rule of a weighted, first-come-first-served semaphore. Knows no executor, clock or handler.
///
/// One word holds what is in use, and flags. While nothing waits, an acquire is one
/// compare-and-swap on it, and so is a release. The `waiting` flag sends every caller through the
/// lock, so that no newcomer overtakes. A releaser that saw the flag unset had subtracted before
/// the waiter set it, and the waiter looks again after setting it: one of the two always sees the
/// other.
///
/// A limit of 0 lets nothing through for now, and no weight is too large for it.
///
/// The lock is held for a bounded number of nodes. What remains is done under it later, and the
/// nodes are settled at the end: those that left the line, in a list of the caller's, keep the core
/// alive until then.
template <class Atomics = real_atomics>
class semaphore_core {
    template <class V>
    using atomic = typename Atomics::template atomic<V>;
    template <class V>
    using plain = typename Atomics::template plain<V>;

public:
    struct node : list_node<Atomics> {
        explicit node(std::size_t w) : weight(w) {}
        /// Called once, outside locks, unless `unpark` or `give_up` returned true. The result is
        /// `granted`, `closed` or `too_large`.
        virtual void settled(acquire_result result) noexcept = 0;

        const std::size_t weight;

    protected:
        ~node() = default;

    private:
        friend class semaphore_core;
        plain<bool> parked_{false};   // in the queue, not in a list of results
        plain<bool> given_up_{false}; // it will not park any more
    };

    /// While the head of the queue waits for more than there is, up to `overtakers` may pass it:
    /// newcomers, and those among the next `look_ahead` in the queue.
    static constexpr std::size_t look_ahead = 32;

    explicit semaphore_core(std::size_t limit, std::size_t overtakers = 0)
        : limit_(limit), overtakers_(overtakers)
    {
    }

    acquire_result try_acquire(std::size_t weight) noexcept
    {
        std::uint64_t word = word_.load(std::memory_order_acquire);
        for (;;) {
            if ((word & closed) != 0)
                return acquire_result::closed;
            const std::size_t limit = limit_.load(std::memory_order_relaxed);
            if (is_too_large(weight, limit))
                return acquire_result::too_large;
            if ((word & waiting) != 0 || !fits(word, weight, limit))
                return acquire_result::full;
            if (word_.compare_exchange_weak(word, word + weight * one, std::memory_order_acquire))
                return acquire_result::granted;
        }
    }

    /// Grants at once when nothing waits and there is room; otherwise parks the node. `timed_out`:
    /// it would have to park, and was given up before. Once parked it may be gone, and so may this
    /// core.
    acquire_result park(node& n) noexcept
    {
        std::lock_guard lock(mutex_);
        word_.fetch_or(waiting);
        acquire_result result = acquire_result::parked;
        if ((word_.load() & closed) != 0)
            result = acquire_result::closed;
        else if (is_too_large(n.weight, limit_.load(std::memory_order_relaxed)))
            result = acquire_result::too_large;
        else if (queue_.empty() ? take(n.weight) : overtake(n.weight))
            result = acquire_result::granted;
        else if (n.given_up_)
            result = acquire_result::timed_out;
        else
            enqueue(n);
        if (queue_.empty())
            word_.fetch_and(~waiting);
        return result;
    }

    /// True: the node was parked, and `settled` will not be called. If it was the head of the
    /// queue, which may have been what held the others back, those behind it are tried again.
    bool unpark(node& n) noexcept
    {
        results made;
        bool more = false;
        {
            std::lock_guard lock(mutex_);
            if (!n.parked_)
                return false;
            const bool was_head = &n == &queue_.front();
            dequeue(n);
            more = was_head && grant(made);
        }
        deliver(made, more);
        return true;
    }

    /// As `unpark`. If it was not parked, it will not park any more either.
    bool give_up(node& n) noexcept
    {
        results made;
        bool more = false;
        {
            std::lock_guard lock(mutex_);
            if (!n.parked_) {
                n.given_up_ = true;
                return false;
            }
            const bool was_head = &n == &queue_.front();
            dequeue(n);
            more = was_head && grant(made);
        }
        deliver(made, more);
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

    /// The owner gives the core up, after `close`. The core lives on until everything in use is
    /// released, so permits need not share its ownership.
    static void outlive(std::shared_ptr<semaphore_core> self) noexcept
    {
        std::lock_guard lock(self->mutex_);
        if (self->word_.fetch_or(orphaned) / one != 0)
            self->self_ = self;
    }

    /// Never revokes: what is in use may exceed the new limit until it falls. Nodes that wait for
    /// more than the new limit are settled as `too_large`. The caller keeps the core alive.
    void resize(std::size_t limit) noexcept
    {
        results made;
        bool more = false;
        {
            std::lock_guard lock(mutex_);
            limit_.store(limit);
            unchecked_ = queue_.empty() ? nullptr : &queue_.front();
            more = check_weights(made);
            more = grant(made) || more;
        }
        deliver(made, more);
    }

    /// The caller keeps the core alive.
    void close() noexcept
    {
        word_.fetch_or(closed);
        results made;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            for (std::size_t i = 0; i < Atomics::batch && !queue_.empty(); ++i)
                made.closed.push_back(dequeue(queue_.front()));
            more = !queue_.empty();
            if (!more)
                word_.fetch_and(~waiting);
        }
        made.deliver();
    }

    // Callers use these as signals, so that they see what was done before.
    std::size_t limit() const noexcept { return limit_.load(std::memory_order_acquire); }
    std::size_t in_use() const noexcept { return word_.load(std::memory_order_acquire) / one; }
    bool is_closed() const noexcept
    {
        return (word_.load(std::memory_order_acquire) & closed) != 0;
    }

    std::size_t waiters() const noexcept
    {
        std::lock_guard lock(mutex_);
        return queue_.size();
    }

private:
    static constexpr std::uint64_t waiting = 1;
    static constexpr std::uint64_t closed = 2;
    static constexpr std::uint64_t orphaned = 4; // only what is in use keeps the core alive
    static constexpr std::uint64_t one = 8;      // what is in use is counted above the flags

    // Collected under the lock, delivered outside it.
    struct results {
        using nodes = list<node, Atomics>;

        nodes granted, too_large, closed;

        void deliver() noexcept
        {
            deliver(granted, acquire_result::granted);
            deliver(too_large, acquire_result::too_large);
            deliver(closed, acquire_result::closed);
        }

        static void deliver(nodes& to, acquire_result result) noexcept
        {
            while (!to.empty())
                to.pop_front().settled(result);
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

    node& dequeue(node& n) noexcept
    {
        if (&n == &queue_.front())
            overtaken_ = 0; // another node becomes the head
        if (node* const next = unchecked_; next == &n)
            unchecked_ = queue_.after(n);
        n.parked_ = false;
        queue_.erase(n);
        return n;
    }

    // Under the lock, with `waiting` set: only releases change the word meanwhile.
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

    // Under the lock, for a bounded number of nodes. True: some were granted, and more may be.
    bool grant(results& made) noexcept
    {
        if ((word_.load() & closed) != 0)
            return false; // `close` ends those that are left
        for (std::size_t i = 0; !queue_.empty() && take(queue_.front().weight);) {
            made.granted.push_back(dequeue(queue_.front()));
            if (++i == Atomics::batch && !queue_.empty())
                return true;
        }
        if (overtakers_ != 0 && !queue_.empty())
            grant_overtakers(made);
        if (queue_.empty())
            word_.fetch_and(~waiting);
        return false;
    }

    void grant_overtakers(results& made) noexcept
    {
        node* next = queue_.after(queue_.front());
        for (std::size_t i = 0; i < look_ahead && next != nullptr && overtaken_ < overtakers_;
             ++i) {
            node& n = *next;
            next = queue_.after(n);
            if (overtake(n.weight))
                made.granted.push_back(dequeue(n));
        }
    }

    // After a new limit, under the lock, for a bounded number of nodes. True: there are more.
    bool check_weights(results& made) noexcept
    {
        node* next = unchecked_;
        for (std::size_t i = 0; i < Atomics::batch && next != nullptr; ++i) {
            node& n = *next;
            next = queue_.after(n);
            if (is_too_large(n.weight, limit_.load(std::memory_order_relaxed)))
                made.too_large.push_back(dequeue(n));
        }
        unchecked_ = next;
        return next != nullptr;
    }

    void deliver(results& made, bool more) noexcept
    {
        while (more) {
            std::lock_guard lock(mutex_);
            more = check_weights(made);
            more = grant(made) || more;
        }
        made.deliver();
    }

    // Not inlined: in a permit's destructor, g++ 12 would warn about a null pointer that was
    // excluded just before.
    [[gnu::noinline]] void release_under_lock(std::size_t weight) noexcept
    {
        results made;
        bool more = false;
        std::shared_ptr<semaphore_core> last;
        {
            std::lock_guard lock(mutex_);
            const std::uint64_t before = word_.fetch_sub(weight * one);
            if ((before & orphaned) != 0 && before / one == weight)
                last = std::exchange(self_, nullptr);
            more = grant(made);
        }
        deliver(made, more);
    }

    atomic<std::uint64_t> word_{0};
    atomic<std::size_t> limit_;
    const std::size_t overtakers_;
    mutable typename Atomics::mutex mutex_;
    plain<std::size_t> overtaken_{0}; // how many have passed the present head of the queue
    list<node, Atomics> queue_;
    plain<node*> unchecked_{nullptr}; // the first that `resize` has not compared with the limit yet
    plain<std::shared_ptr<semaphore_core>> self_; // once orphaned, while something is in use
};

} // namespace weir::detail
