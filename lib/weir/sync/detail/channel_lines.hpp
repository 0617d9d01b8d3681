#pragma once

#include <weir/detail/atomics.hpp>
#include <weir/detail/list.hpp>
#include <weir/sync/detail/ring.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace weir::detail {

/// What a `channel_core` is made of: the ring, the lines of parked senders and receivers, and what
/// is done with them under the lock.
template <class T, class Atomics>
class channel_lines {
public:
    template <class V>
    using atomic = typename Atomics::template atomic<V>;
    template <class V>
    using plain = typename Atomics::template plain<V>;

    struct receiver : list_node<Atomics> {
        /// Called once per park, outside locks: look again, on your own executor. Then call
        /// `woken`.
        virtual void notified() noexcept = 0;

    protected:
        ~receiver() = default;

    private:
        friend class channel_lines;
        plain<bool> parked_{false};
        plain<bool> given_up_{false}; // it will not park any more
    };

    struct sender : list_node<Atomics> {
        /// `v` is the value to send; null: the sender wants to reserve a place.
        explicit sender(T* v) noexcept : value(v) {}
        /// Called once, outside locks, unless `unpark` or `give_up` returned true. `done`: the
        /// value was taken, or the place is reserved; `closed`: the value is still there.
        virtual void settled(attempt_result result) noexcept = 0;

        T* const value;

    protected:
        ~sender() = default;

    private:
        friend class channel_lines;
        plain<bool> parked_{false};
        plain<bool> given_up_{false}; // it will not park any more
    };

protected:
    using ring = detail::ring<T, Atomics>;
    using senders = list<sender, Atomics>;
    using receivers = list<receiver, Atomics>;

    static constexpr std::uint64_t receivers_parked = 1;
    static constexpr std::uint64_t senders_parked = 2;
    static constexpr std::uint64_t closing = 4;
    static constexpr std::uint64_t one_wake = 8; // wake-ups under way are counted above the flags

    explicit channel_lines(std::size_t capacity) : ring_(capacity) {}

    std::size_t capacity() const noexcept { return ring_.capacity(); }

    // ---- the lines

    template <class Node>
    static void enqueue(list<Node, Atomics>& queue, Node& node) noexcept
    {
        node.parked_ = true;
        queue.push_back(node);
    }

    template <class Node>
    static Node& dequeue(list<Node, Atomics>& queue) noexcept
    {
        Node& node = queue.pop_front();
        node.parked_ = false;
        return node;
    }

    // Takes the lock itself.
    template <class Node>
    bool unpark(list<Node, Atomics>& queue, Node& node) noexcept
    {
        std::lock_guard lock(mutex_);
        if (!node.parked_)
            return false;
        node.parked_ = false;
        queue.erase(node);
        update_flags();
        return true;
    }

    // The same. A node that was not parked will not park any more either.
    template <class Node>
    bool give_up(list<Node, Atomics>& queue, Node& node) noexcept
    {
        std::lock_guard lock(mutex_);
        if (!node.parked_) {
            node.given_up_ = true;
            return false;
        }
        node.parked_ = false;
        queue.erase(node);
        update_flags();
        return true;
    }

    static bool is_given_up(const receiver& r) noexcept { return r.given_up_; }
    static bool is_given_up(const sender& s) noexcept { return s.given_up_; }

    void wake(receivers& woken) noexcept
    {
        woken.push_back(dequeue(receivers_));
        // The flag is set while the line is not empty; it goes with the last one, in the same step.
        flags_.fetch_add(receivers_.empty() ? one_wake - receivers_parked : one_wake);
    }

    // The lock is held for a bounded number of nodes. These say whether there is more to do, with
    // the lock taken again. What they have put into the caller's list keeps the channel alive.

    // While there are more values than wake-ups under way.
    bool wake_for_what_is_there(receivers& woken) noexcept
    {
        for (std::size_t i = 0; has_receiver_for_a_value(); ++i) {
            if (i == Atomics::batch)
                return true;
            wake(woken);
        }
        return false;
    }

    bool has_receiver_for_a_value() const noexcept
    {
        return !receivers_.empty() && flags_.load() / one_wake < available();
    }

    [[gnu::cold]] bool wake_all_at_the_end(receivers& woken) noexcept
    {
        if (!ring_.is_ended(ring_.tail()))
            return false;
        for (std::size_t i = 0; i < Atomics::batch && !receivers_.empty(); ++i)
            wake(woken);
        return !receivers_.empty();
    }

    bool hand_back(senders& back) noexcept
    {
        for (std::size_t i = 0; i < Atomics::batch && !senders_.empty(); ++i)
            back.push_back(dequeue(senders_));
        return !senders_.empty();
    }

    void update_flags() noexcept
    {
        std::uint64_t none = 0;
        if (receivers_.empty())
            none |= receivers_parked;
        if (senders_.empty())
            none |= senders_parked;
        if ((flags_.load(std::memory_order_relaxed) & none) != 0)
            flags_.fetch_and(~none);
    }

    std::size_t available() const noexcept
    {
        return ring_.size() + (capacity() == 0 ? senders_.size() : 0);
    }

    // ---- reserving

    // Exact while the tail says `reserving`, because every push then holds the lock.
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

    // ---- senders

    // If it is still full after the flag was set, a later pop will see the flag. But a pop that has
    // claimed its position and not yet freed the slot will not: `retry`.
    attempt_result admit(sender& s) noexcept
    {
        if (s.value == nullptr)
            return reserve();
        if (reserved_ != 0 && !has_room())
            return attempt_result::full;
        const attempt_result result = ring_.push(*s.value, ring::closed);
        return result == attempt_result::full && has_room() ? attempt_result::retry : result;
    }

    bool refill(senders& moved) noexcept
    {
        if (capacity() == 0)
            return false;
        for (std::size_t i = 0; !senders_.empty(); ++i) {
            if (i == Atomics::batch)
                return true;
            if (admit(senders_.front()) != attempt_result::done)
                break;
            moved.push_back(dequeue(senders_));
        }
        return false;
    }

    // With capacity 0: straight from the parked senders.
    template <class Take>
    std::size_t take_from_senders(senders& moved, std::size_t most, Take& take) noexcept
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

    // ---- outside the lock

    static void settle(senders& line, attempt_result result) noexcept
    {
        while (!line.empty())
            line.pop_front().settled(result);
    }

    static void notify_each(receivers& woken) noexcept
    {
        while (!woken.empty())
            woken.pop_front().notified();
    }

    ring ring_;
    alignas(64) atomic<std::uint64_t> flags_{0};
    atomic<std::uint64_t> handed_over_{0};
    mutable typename Atomics::mutex mutex_;
    plain<std::size_t> reserved_{0}; // above zero exactly while the tail says `reserving`
    receivers receivers_;
    senders senders_;
};

} // namespace weir::detail
