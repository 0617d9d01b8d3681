#pragma once

#include <weir/detail/atomics.hpp>
#include <weir/detail/list.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace weir::detail {

enum class wait_result { parked, zero, timed_out };

/// A count that operations wait on until it is zero, and that can be closed. The rule of `gate`,
/// `wait_group` and `event`.
///
/// One word holds the count and two flags, so that entering and closing meet on it. A waiter sets a
/// flag and then looks at the count again; whatever leaves last looks at the flag.
template <class Atomics = real_atomics>
class count_core {
    template <class V>
    using atomic = typename Atomics::template atomic<V>;
    template <class V>
    using plain = typename Atomics::template plain<V>;

public:
    struct node : list_node<Atomics> {
        /// The count was zero. Called once, outside locks, unless `unpark` or `give_up` returned
        /// true.
        virtual void reached_zero() noexcept = 0;

    protected:
        ~node() = default;

    private:
        friend class count_core;
        plain<std::uint64_t> parked_{0}; // since which zero; 0 when it is not parked
        plain<bool> given_up_{false};    // it will not park any more
    };

    explicit count_core(std::size_t n = 0) noexcept : word_(n * one) {}

    /// False: closed, and not counted.
    bool enter(std::size_t n) noexcept
    {
        std::uint64_t word = word_.load(std::memory_order_acquire);
        do {
            if ((word & closed) != 0)
                return false;
        } while (!word_.compare_exchange_weak(word, word + n * one));
        return true;
    }

    void leave(std::size_t n) noexcept
    {
        const std::uint64_t before = word_.fetch_sub(n * one);
        assert(before / one >= n && "left more often than entered");
        if (before / one == n && (before & waiting) != 0)
            wake_all();
    }

    /// As if all had left at once. False: the count was zero already.
    bool leave_all() noexcept
    {
        const std::uint64_t before = word_.fetch_and(one - 1);
        if (before / one == 0)
            return false;
        if ((before & waiting) != 0)
            wake_all();
        return true;
    }

    void close() noexcept { word_.fetch_or(closed); }

    /// `timed_out`: the count is not zero, and the node was given up before. Once parked it may be
    /// gone, and so may this core.
    wait_result park(node& n) noexcept
    {
        std::lock_guard lock(mutex_);
        word_.fetch_or(waiting);
        const bool is_zero = word_.load() / one == 0;
        if (!is_zero && !n.given_up_) {
            n.parked_ = zeros_;
            queue_.push_back(n);
            return wait_result::parked;
        }
        update_flag();
        return is_zero ? wait_result::zero : wait_result::timed_out;
    }

    /// True: it was parked, and will not be called.
    bool unpark(node& n) noexcept
    {
        std::lock_guard lock(mutex_);
        if (n.parked_ == 0)
            return false;
        n.parked_ = 0;
        queue_.erase(n);
        update_flag();
        return true;
    }

    /// As `unpark`. If it was not parked, it will not park any more either.
    bool give_up(node& n) noexcept
    {
        std::lock_guard lock(mutex_);
        if (n.parked_ == 0) {
            n.given_up_ = true;
            return false;
        }
        n.parked_ = 0;
        queue_.erase(n);
        update_flag();
        return true;
    }

    // Callers use these as signals: what was done before the count fell, or before `close`, can be
    // used by a thread that sees it.
    std::size_t count() const noexcept { return word_.load(std::memory_order_acquire) / one; }
    bool is_closed() const noexcept
    {
        return (word_.load(std::memory_order_acquire) & closed) != 0;
    }

private:
    static constexpr std::uint64_t waiting = 1;
    static constexpr std::uint64_t closed = 2;
    static constexpr std::uint64_t one = 4;

    // Those that are parked now, a bounded number in each hold of the lock; not those that park in
    // between, because the count may have risen again. Nodes that are not called yet keep the core
    // alive.
    void wake_all() noexcept
    {
        list<node, Atomics> woken;
        std::uint64_t zero = 0;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            if (zero == 0) {
                zero = zeros_;
                ++zeros_;
            }
            for (std::size_t i = 0; i < Atomics::batch && is_parked_until(zero); ++i) {
                node& n = queue_.pop_front();
                n.parked_ = 0;
                woken.push_back(n);
            }
            more = is_parked_until(zero);
            update_flag();
        }
        while (!woken.empty())
            woken.pop_front().reached_zero();
    }

    bool is_parked_until(std::uint64_t zero) const noexcept
    {
        return !queue_.empty() && queue_.front().parked_ <= zero;
    }

    void update_flag() noexcept
    {
        if (queue_.empty())
            word_.fetch_and(~waiting);
    }

    atomic<std::uint64_t> word_;
    typename Atomics::mutex mutex_;
    list<node, Atomics> queue_;
    plain<std::uint64_t> zeros_{1}; // counts the times it was zero while something waited
};

} // namespace weir::detail
