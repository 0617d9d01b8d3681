#pragma once

#include <weir/detail/atomics.hpp>
#include <weir/detail/list.hpp>
#include <weir/sync/detail/ring.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace weir::detail {

/// The rule of a bounded, closable, many-to-many queue. Knows no executor, no clock, no handler.
///
/// Values go through a `ring` without a lock; the lock is for those who wait.
///
/// Waiting: a parked sender keeps its value in its node until somebody moves it into the ring, so
///          closing, cancelling and destruction can hand it back; while one is parked, `try_push`
///          says full and nobody overtakes. A parked receiver is told to look again and takes its
///          value by itself, so no value is lost with a wake-up; there are never more wake-ups
///          under way than values to take.
///
/// Who parks sets a flag and looks again; who moves a position loads the flags afterwards. Both are
/// sequentially consistent, so one of them sees the other. A position that is claimed while its
/// slot is not ready yet means `retry`, never parking.
///
/// Reserving: a place that is reserved is counted under the lock, and while there is one the tail
///            says so: pushes then go through the lock too, and the count is exact. The end of the
///            stream waits for it.
template <class T, class Policy = real_atomics>
class channel_core {
public:
    struct receiver : list_node {
        /// Called once a park, outside locks: look again, on your own executor. Then call `woken`.
        virtual void look() noexcept = 0;

    protected:
        ~receiver() = default;

    private:
        friend class channel_core;
        bool parked_ = false;
    };

    struct sender : list_node {
        /// What it wants to send; null: it wants to reserve a place.
        explicit sender(T* v) noexcept : value(v) {}
        /// Called once, outside locks, unless `unpark` returned true. `done`: the value was taken,
        /// or the place is reserved; `closed`: the value is still there.
        virtual void settled(attempt_result how) noexcept = 0;

        T* const value;

    protected:
        ~sender() = default;

    private:
        friend class channel_core;
        bool parked_ = false;
    };

    explicit channel_core(std::size_t capacity) : ring_(capacity) {}

    /// `done`, `full` or `closed`. The value is moved from only when done.
    attempt_result try_push(T& value) noexcept
    {
        if (capacity() == 0)
            return try_hand_over(value);
        if ((flags_.load(std::memory_order_relaxed) & senders_parked) != 0)
            return is_closed() ? attempt_result::closed : attempt_result::full;
        attempt_result how = ring_.push(value, ring::closed | ring::reserving);
        if (how == attempt_result::guarded)
            how = try_push_beside_reservations(value);
        if (how == attempt_result::done)
            notify();
        return how;
    }

    /// Moves values in from the front while there is room and nobody waits for it. Returns how
    /// many.
    std::size_t try_push_some(T* values, std::size_t most) noexcept
    {
        return try_push_some(most, [values](std::size_t i) -> T&& { return std::move(values[i]); });
    }

    /// The same for what `give(i)` makes, which must not throw.
    template <class Give>
    std::size_t try_push_some(std::size_t most, Give&& give) noexcept
    {
        std::size_t count = 0;
        if (capacity() != 0 && (flags_.load(std::memory_order_relaxed) & senders_parked) == 0)
            count = ring_.push_some(most, ring::closed | ring::reserving, give);
        if (count != 0)
            notify();
        return count;
    }

    /// Moves up to `most` values into `take(T&&)`, which must not throw. Returns how many.
    template <class Take>
    std::size_t try_pop(std::size_t most, Take&& take) noexcept
    {
        std::size_t count = ring_.pop(most, take);
        if (count == 0 && capacity() == 0)
            count = try_take_over(most, take);
        if (count != 0)
            popped();
        return count;
    }

    /// For a receiver that starts. True: parked. False: there is something to see; go through
    /// `look` once, as if woken.
    bool park_unless_ready(receiver& r) noexcept
    {
        std::lock_guard lock(mutex_);
        flags_.fetch_or(receivers_parked);
        const std::uint64_t tail = ring_.look();
        const bool ready = !ring_.is_empty(tail) || ring_.is_ended(tail) || !senders_.empty();
        if (ready)
            flags_.fetch_add(one_wake);
        else
            enqueue(receivers_, r);
        settle_flags();
        return !ready;
    }

    /// For a receiver that looks: `done` (`take` was called for up to `most` values), `closed` (end
    /// of stream), `parked`, or `retry`.
    template <class Take>
    attempt_result pop_or_park(receiver& r, std::size_t most, Take&& take) noexcept
    {
        if (try_pop(most, take) != 0)
            return attempt_result::done;
        list<sender> moved;
        attempt_result how = attempt_result::parked;
        {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(receivers_parked);
            refill(moved);
            if (ring_.pop(most, take) != 0 || take_from_senders(moved, most, take) != 0) {
                refill(moved);
                how = attempt_result::done;
            } else {
                const std::uint64_t tail = ring_.look();
                if (!ring_.is_empty(tail))
                    how = attempt_result::retry;
                else if (ring_.is_ended(tail))
                    how = attempt_result::closed;
                else
                    enqueue(receivers_, r);
            }
            settle_flags();
        }
        settle(moved, attempt_result::done);
        if (how == attempt_result::done)
            popped();
        return how;
    }

    /// For a sender that starts: `done`, `closed`, `parked` or `retry`.
    attempt_result push_or_park(sender& s) noexcept
    {
        // From hand to hand, the value stays with its sender until it is taken: no shortcut.
        if (capacity() != 0 && s.value != nullptr) {
            const attempt_result at_once = try_push(*s.value);
            if (at_once != attempt_result::full)
                return at_once;
        }
        attempt_result how = attempt_result::parked;
        {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(senders_parked);
            if (is_closed())
                how = attempt_result::closed;
            else if (senders_.empty() && capacity() != 0)
                how = admit(s);
            if (how == attempt_result::full)
                how = attempt_result::parked;
            if (how == attempt_result::parked)
                enqueue(senders_, s);
            settle_flags();
        }
        if (how == attempt_result::done || (how == attempt_result::parked && capacity() == 0))
            notify();
        return how;
    }

    /// Reserves a place: `done`, `full` or `closed`. There must be places: not with a capacity of
    /// 0.
    attempt_result try_reserve() noexcept
    {
        std::lock_guard lock(mutex_);
        return senders_.empty() || is_closed() ? reserve() : attempt_result::full;
    }

    /// Into a place that was reserved. Cannot fail, not even after `close`.
    void push_reserved(T& value) noexcept
    {
        {
            std::lock_guard lock(mutex_);
            // The place is free, but who popped its last value may not have left it yet.
            for (unsigned round = 1; ring_.push(value, 0) != attempt_result::done; ++round)
                Policy::pause(round);
            unreserve();
        }
        notify();
    }

    /// Gives a reserved place back.
    void give_back() noexcept
    {
        {
            std::lock_guard lock(mutex_);
            unreserve();
        }
        popped();
    }

    /// True: it was parked, and will not be called.
    bool unpark(receiver& r) noexcept { return unpark(receivers_, r); }
    bool unpark(sender& s) noexcept { return unpark(senders_, s); }

    /// First call of a receiver that was told to look, or that was told and goes away without
    /// looking.
    void woken() noexcept { flags_.fetch_sub(one_wake); }

    /// Wakes receivers while there are more values than wake-ups under way. A receiver that was
    /// woken calls it when it is done, whatever became of it.
    void notify() noexcept
    {
        if (const std::uint64_t flags = flags_.load(); (flags & receivers_parked) != 0)
            notify_parked(flags);
    }

    void close() noexcept
    {
        ring_.close();
        list<sender> back;
        list<receiver> told;
        {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(closing);
            while (!senders_.empty())
                back.push_back(dequeue(senders_));
            wake_all_at_the_end(told);
            settle_flags();
        }
        settle(back, attempt_result::closed);
        look(told);
    }

    bool is_closed() const noexcept { return ring_.is_closed(); }
    /// Closed, and nothing is buffered or reserved any more: every receive from now on is end of
    /// stream.
    bool is_ended() const noexcept { return ring_.is_ended(ring_.look()); }
    std::size_t capacity() const noexcept { return ring_.capacity(); }

    /// How many values are buffered. Never less than the truth.
    std::size_t size() const noexcept { return ring_.size(); }

    /// How many values were ever taken from a sender.
    std::uint64_t sent() const noexcept { return ring_.pushed() + handed_over_.load(); }

    /// A sender's value went elsewhere, and it was told, or is gone.
    void taken_over() noexcept { handed_over_.fetch_add(1); }

    std::size_t waiting_senders() const noexcept
    {
        std::lock_guard lock(mutex_);
        return senders_.size();
    }

    std::size_t waiting_receivers() const noexcept
    {
        std::lock_guard lock(mutex_);
        return receivers_.size();
    }

private:
    using ring = detail::ring<T, Policy>;

    static constexpr std::uint64_t receivers_parked = 1;
    static constexpr std::uint64_t senders_parked = 2;
    static constexpr std::uint64_t closing = 4;
    static constexpr std::uint64_t one_wake = 8; // wake-ups under way are counted above the flags

    attempt_result try_push_beside_reservations(T& value) noexcept
    {
        std::lock_guard lock(mutex_);
        if (!senders_.empty() || !has_room())
            return is_closed() ? attempt_result::closed : attempt_result::full;
        return ring_.push(value, ring::closed);
    }

    void notify_parked(std::uint64_t flags) noexcept
    {
        if (capacity() != 0 && flags / one_wake >= ring_.size())
            return;
        list<receiver> told;
        {
            std::lock_guard lock(mutex_);
            while (!receivers_.empty() && flags_.load() / one_wake < available())
                wake(told);
            settle_flags();
        }
        look(told);
    }

    // After positions moved forward, or a place was given back: parked senders' values come in, and
    // the end of the stream is told.
    void popped() noexcept
    {
        if (const std::uint64_t flags = flags_.load(); (flags & (senders_parked | closing)) != 0)
            tell_of_room(flags);
    }

    void tell_of_room(std::uint64_t flags) noexcept
    {
        list<sender> moved;
        list<receiver> told;
        {
            std::lock_guard lock(mutex_);
            refill(moved);
            if ((flags & closing) != 0)
                wake_all_at_the_end(told);
            settle_flags();
        }
        const bool more = !moved.empty();
        settle(moved, attempt_result::done);
        look(told);
        if (more)
            notify();
    }

    // ---- under the lock

    // Exact while the tail says `reserving`, for nobody pushes without the lock then.
    bool has_room() const noexcept { return ring_.size() + reserved_ < capacity(); }

    attempt_result reserve() noexcept
    {
        if (!ring_.begin_reserving())
            return attempt_result::closed;
        const bool room = has_room();
        if (room)
            ++reserved_;
        else if (reserved_ == 0)
            ring_.end_reserving();
        return room ? attempt_result::done : attempt_result::full;
    }

    void unreserve() noexcept
    {
        if (--reserved_ == 0)
            ring_.end_reserving();
    }

    // Still full after the flag was set? Then a pop to come will see the flag. A pop that has
    // claimed its position but not yet freed the slot will not: `retry`.
    attempt_result admit(sender& s) noexcept
    {
        if (s.value == nullptr)
            return reserve();
        if (reserved_ != 0 && !has_room())
            return attempt_result::full;
        const attempt_result how = ring_.push(*s.value, ring::closed);
        return how == attempt_result::full && has_room() ? attempt_result::retry : how;
    }

    void refill(list<sender>& moved) noexcept
    {
        if (capacity() == 0)
            return;
        while (!senders_.empty() && admit(senders_.front()) == attempt_result::done)
            moved.push_back(dequeue(senders_));
    }

    std::size_t available() const noexcept
    {
        return ring_.size() + (capacity() == 0 ? senders_.size() : 0);
    }

    template <class Node>
    static void enqueue(list<Node>& queue, Node& node) noexcept
    {
        node.parked_ = true;
        queue.push_back(node);
    }

    template <class Node>
    static Node& dequeue(list<Node>& queue) noexcept
    {
        Node& node = queue.pop_front();
        node.parked_ = false;
        return node;
    }

    template <class Node>
    bool unpark(list<Node>& queue, Node& node) noexcept
    {
        std::lock_guard lock(mutex_);
        if (!node.parked_)
            return false;
        node.parked_ = false;
        queue.erase(node);
        settle_flags();
        return true;
    }

    void wake(list<receiver>& told) noexcept
    {
        told.push_back(dequeue(receivers_));
        // The flag is set while anybody is in line: taken off with the last one, in the same step.
        flags_.fetch_add(receivers_.empty() ? one_wake - receivers_parked : one_wake);
    }

    void wake_all_at_the_end(list<receiver>& told) noexcept
    {
        if (ring_.is_ended(ring_.look()))
            while (!receivers_.empty())
                wake(told);
    }

    void settle_flags() noexcept
    {
        std::uint64_t none = 0;
        if (receivers_.empty())
            none |= receivers_parked;
        if (senders_.empty())
            none |= senders_parked;
        if ((flags_.load(std::memory_order_relaxed) & none) != 0)
            flags_.fetch_and(~none);
    }

    // ---- outside it

    static void settle(list<sender>& senders, attempt_result how) noexcept
    {
        while (!senders.empty())
            senders.pop_front().settled(how);
    }

    static void look(list<receiver>& receivers) noexcept
    {
        while (!receivers.empty())
            receivers.pop_front().look();
    }

    // ---- capacity 0: a value goes from hand to hand

    // For who does not wait: only when a receiver waits for it. The value then stands in the ring's
    // one slot until that receiver, or another, takes it.
    attempt_result try_hand_over(T& value) noexcept
    {
        list<receiver> told;
        attempt_result how = attempt_result::full;
        {
            std::lock_guard lock(mutex_);
            if (is_closed())
                how = attempt_result::closed;
            else if (!receivers_.empty() && senders_.empty())
                how = ring_.push(value, ring::closed);
            if (how == attempt_result::done && flags_.load() / one_wake < available())
                wake(told);
            settle_flags();
        }
        look(told);
        return how;
    }

    template <class Take>
    std::size_t try_take_over(std::size_t most, Take& take) noexcept
    {
        list<sender> moved;
        std::size_t count = 0;
        {
            std::lock_guard lock(mutex_);
            count = take_from_senders(moved, most, take);
            settle_flags();
        }
        settle(moved, attempt_result::done);
        return count;
    }

    template <class Take>
    std::size_t take_from_senders(list<sender>& moved, std::size_t most, Take& take) noexcept
    {
        std::size_t count = 0;
        for (; capacity() == 0 && count < most && !senders_.empty(); ++count) {
            sender& s = dequeue(senders_);
            handed_over_.fetch_add(1);
            take(std::move(*s.value));
            moved.push_back(s);
        }
        return count;
    }

    ring ring_;
    alignas(64) typename Policy::template atomic<std::uint64_t> flags_{0};
    typename Policy::template atomic<std::uint64_t> handed_over_{0};
    mutable typename Policy::mutex mutex_;
    std::size_t reserved_ = 0; // under the lock; above zero exactly while the tail says `reserving`
    list<receiver> receivers_;
    list<sender> senders_;
};

} // namespace weir::detail
