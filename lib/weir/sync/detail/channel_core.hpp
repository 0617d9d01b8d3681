#pragma once

#include <weir/sync/detail/list.hpp>
#include <weir/sync/detail/policy.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>

namespace weir::detail {

enum class passed { done, parked, full, closed, retry };

/// The rule of a bounded, closable, many-to-many queue. Knows no executor, no clock, no handler.
///
/// Ring: a slot's `sequence` says whose turn it is: `p` free for the push of position p, `p | 1`
///       full for the
/// pop of p. Positions count in steps of two; the low bit of `tail_` says closed, so that a push
/// and `close` meet on one word, and end of stream is decided from one load of it.
///
/// Waiting: a parked sender keeps its value in its node until somebody moves it into the ring, so
///          closing,
/// cancelling and destruction can hand it back; while one is parked, `try_push` says full and
/// nobody overtakes. A parked receiver is told to look again and takes its value by itself, so no
/// value is lost with a wake-up; there are never more wake-ups under way than values to take.
///
/// Who parks sets a flag and looks again; who moves a position loads the flags afterwards. Both are
/// sequentially consistent, so one of them sees the other. A position that is claimed while its
/// slot is not ready yet means `retry`, never parking.
///
/// Source: the ring is Dmitry Vyukov's bounded queue (1024cores.net), with batches on the
///         consumers' side,
/// the closed bit, exact capacities and the parking as above.
template <class T, class Policy = real_policy>
class channel_core {
    static_assert(
        std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
        "a channel's value type must move without throwing, or a value could be lost on its way");

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
        explicit sender(T&& v) noexcept : value(std::move(v)) {}
        /// Called once, outside locks, unless `unpark` returned true. `done`: the value was taken;
        /// `closed`: it is still here.
        virtual void settled(passed how) noexcept = 0;

        T value;

    protected:
        ~sender() = default;

    private:
        friend class channel_core;
        bool parked_ = false;
    };

    explicit channel_core(std::size_t capacity)
        : capacity_(capacity), mask_(round_up(capacity) - 1), slots_(new slot[mask_ + 1])
    {
        for (std::size_t i = 0; i <= mask_; ++i)
            slots_[i].sequence.store(i * step, std::memory_order_relaxed);
    }

    ~channel_core()
    {
        pop(mask_ + 1, [](T&&) {});
    }

    /// `done`, `full` or `closed`. The value is moved from only when done.
    passed try_push(T& value) noexcept
    {
        if (capacity_ == 0)
            return try_hand_over(value);
        if ((flags_.load(std::memory_order_relaxed) & senders_parked) != 0)
            return is_closed() ? passed::closed : passed::full;
        const passed how = push(value);
        if (how == passed::done)
            notify();
        return how;
    }

    /// Moves up to `most` values into `take(T&&)`, which must not throw. Returns how many.
    template <class Take>
    std::size_t try_pop(std::size_t most, Take&& take) noexcept
    {
        std::size_t count = pop(most, take);
        if (count == 0 && capacity_ == 0)
            count = try_take_over(take);
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
        const std::uint64_t tail = tail_.load();
        const bool ready = position(tail) != head_.load() || closed(tail) || !senders_.empty();
        if (ready)
            flags_.fetch_add(one_wake);
        else
            enqueue(receivers_, r);
        settle_flags();
        return !ready;
    }

    /// For a receiver that looks: `done` (`take` was called), `closed` (end of stream), `parked`,
    /// or `retry`.
    template <class Take>
    passed pop_or_park(receiver& r, Take&& take) noexcept
    {
        if (try_pop(1, take) != 0)
            return passed::done;
        list<sender> moved;
        passed how = passed::parked;
        {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(receivers_parked);
            refill(moved);
            if (pop(1, take) != 0 || take_from_sender(moved, take)) {
                refill(moved);
                how = passed::done;
            } else {
                const std::uint64_t tail = tail_.load();
                if (position(tail) != head_.load())
                    how = passed::retry;
                else if (closed(tail))
                    how = passed::closed;
                else
                    enqueue(receivers_, r);
            }
            settle_flags();
        }
        settle(moved, passed::done);
        if (how == passed::done)
            popped();
        return how;
    }

    /// For a sender that starts: `done`, `closed`, `parked` or `retry`.
    passed push_or_park(sender& s) noexcept
    {
        // From hand to hand, the value stays with its sender until it is taken: no shortcut.
        const passed at_once = capacity_ != 0 ? try_push(s.value) : passed::full;
        if (at_once != passed::full)
            return at_once;
        passed how = passed::parked;
        {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(senders_parked);
            if (is_closed())
                how = passed::closed;
            else if (senders_.empty() && capacity_ != 0)
                how = push_again(s.value);
            if (how == passed::parked)
                enqueue(senders_, s);
            settle_flags();
        }
        if (how == passed::done || (how == passed::parked && capacity_ == 0))
            notify();
        return how;
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
        const std::uint64_t flags = flags_.load();
        if ((flags & receivers_parked) == 0 || (capacity_ != 0 && flags / one_wake >= size()))
            return;
        list<receiver> woken;
        {
            std::lock_guard lock(mutex_);
            while (!receivers_.empty() && flags_.load() / one_wake < available())
                wake(woken);
            settle_flags();
        }
        look(woken);
    }

    void close() noexcept
    {
        tail_.fetch_or(closed_bit);
        list<sender> back;
        list<receiver> ended;
        {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(closing);
            while (!senders_.empty())
                back.push_back(dequeue(senders_));
            if (drained())
                wake_all(ended);
            settle_flags();
        }
        settle(back, passed::closed);
        look(ended);
    }

    bool is_closed() const noexcept { return closed(tail_.load(std::memory_order_relaxed)); }
    /// Closed, and nothing is buffered any more: every receive from now on is end of stream.
    bool is_ended() const noexcept
    {
        const std::uint64_t tail = tail_.load();
        return closed(tail) && position(tail) == head_.load();
    }
    std::size_t capacity() const noexcept { return capacity_; }

    /// How many values are buffered. Never less than the truth: the head is read first.
    std::size_t size() const noexcept
    {
        const std::uint64_t head = head_.load();
        return static_cast<std::size_t>((position(tail_.load()) - head) / step);
    }

    /// How many values were ever taken from a sender.
    std::uint64_t sent() const noexcept { return tail_.load() / step + handed_over_.load(); }

    /// A sender was destroyed with its value, which somebody else has now.
    void taken_over() noexcept { handed_over_.fetch_add(1); }

    std::size_t senders_waiting() const noexcept
    {
        std::lock_guard lock(mutex_);
        return senders_.size();
    }

    std::size_t receivers_waiting() const noexcept
    {
        std::lock_guard lock(mutex_);
        return receivers_.size();
    }

private:
    static constexpr std::uint64_t closed_bit = 1;
    static constexpr std::uint64_t step = 2;

    static constexpr std::uint64_t receivers_parked = 1;
    static constexpr std::uint64_t senders_parked = 2;
    static constexpr std::uint64_t closing = 4;
    static constexpr std::uint64_t one_wake = 8; // wake-ups under way are counted above the flags

    // A line each: the sender of one value and the receiver of its neighbour do not wait for one
    // another.
    struct alignas(64) slot {
        T* value() noexcept { return std::launder(reinterpret_cast<T*>(memory)); }

        typename Policy::template atomic<std::uint64_t> sequence{0};
        alignas(T) unsigned char memory[sizeof(T)];
    };

    static constexpr std::uint64_t position(std::uint64_t tail) noexcept
    {
        return tail & ~closed_bit;
    }
    static constexpr bool closed(std::uint64_t tail) noexcept { return (tail & closed_bit) != 0; }

    static std::size_t round_up(std::size_t capacity) noexcept
    {
        std::size_t size = 1;
        while (size < capacity)
            size *= 2;
        return size;
    }

    slot& at(std::uint64_t p) noexcept
    {
        return slots_[static_cast<std::size_t>(p / step) & mask_];
    }

    bool has_room(std::uint64_t p) const noexcept { return p - head_.load() < capacity_ * step; }

    passed push(T& value) noexcept
    {
        std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        for (;;) {
            if (closed(tail))
                return passed::closed;
            slot& s = at(tail);
            const std::uint64_t turn = s.sequence.load(std::memory_order_acquire);
            if (turn == tail) {
                // A ring of the capacity itself is full when its slot is; a larger one has to
                // count.
                if (capacity_ <= mask_ && capacity_ != 0 && !has_room(tail))
                    return passed::full;
                if (tail_.compare_exchange_weak(tail, tail + step)) {
                    ::new (static_cast<void*>(s.memory)) T(std::move(value));
                    s.sequence.store(tail | 1, std::memory_order_release);
                    return passed::done;
                }
            } else if (static_cast<std::int64_t>(turn - tail) < 0) {
                return passed::full;
            } else {
                tail = tail_.load(std::memory_order_relaxed);
            }
        }
    }

    template <class Take>
    std::size_t pop(std::size_t most, Take&& take) noexcept
    {
        std::uint64_t head = head_.load(std::memory_order_relaxed);
        for (;;) {
            std::size_t count = 0;
            std::uint64_t turn = 0;
            for (; count < most; ++count) {
                const std::uint64_t p = head + count * step;
                turn = at(p).sequence.load(std::memory_order_acquire);
                if (turn != (p | 1))
                    break;
            }
            if (count == 0) {
                if (static_cast<std::int64_t>(turn - (head | 1)) < 0 || most == 0)
                    return 0;
                head = head_.load(std::memory_order_relaxed);
            } else if (head_.compare_exchange_weak(head, head + count * step)) {
                for (std::size_t i = 0; i < count; ++i) {
                    const std::uint64_t p = head + i * step;
                    slot& s = at(p);
                    T* value = s.value();
                    take(std::move(*value));
                    value->~T();
                    s.sequence.store(p + (mask_ + 1) * step, std::memory_order_release);
                }
                return count;
            }
        }
    }

    // After positions moved forward: parked senders' values come in, and the end of the stream is
    // told.
    void popped() noexcept
    {
        const std::uint64_t flags = flags_.load();
        if ((flags & (senders_parked | closing)) == 0)
            return;
        list<sender> moved;
        list<receiver> ended;
        {
            std::lock_guard lock(mutex_);
            refill(moved);
            if ((flags & closing) != 0 && drained())
                wake_all(ended);
            settle_flags();
        }
        const bool more = !moved.empty();
        settle(moved, passed::done);
        look(ended);
        if (more)
            notify();
    }

    // ---- under the lock

    void refill(list<sender>& moved) noexcept
    {
        while (capacity_ != 0 && !senders_.empty() && push(senders_.front().value) == passed::done)
            moved.push_back(dequeue(senders_));
    }

    // Still full after the flag was set? Then a pop to come will see the flag. A pop that has
    // claimed its position but not yet freed the slot will not: look again.
    passed push_again(T& value) noexcept
    {
        const passed how = push(value);
        if (how != passed::full)
            return how;
        return has_room(position(tail_.load())) ? passed::retry : passed::parked;
    }

    bool drained() const noexcept { return position(tail_.load()) == head_.load(); }

    std::size_t available() const noexcept
    {
        return size() + (capacity_ == 0 ? senders_.size() : 0);
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

    void wake(list<receiver>& woken) noexcept
    {
        flags_.fetch_add(one_wake);
        woken.push_back(dequeue(receivers_));
    }

    void wake_all(list<receiver>& woken) noexcept
    {
        while (!receivers_.empty())
            wake(woken);
    }

    void settle_flags() noexcept
    {
        if (receivers_.empty())
            flags_.fetch_and(~receivers_parked);
        if (senders_.empty())
            flags_.fetch_and(~senders_parked);
    }

    // ---- outside it

    static void settle(list<sender>& senders, passed how) noexcept
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
    passed try_hand_over(T& value) noexcept
    {
        list<receiver> woken;
        passed how = passed::full;
        {
            std::lock_guard lock(mutex_);
            if (is_closed())
                how = passed::closed;
            else if (!receivers_.empty() && senders_.empty())
                how = push(value);
            if (how == passed::done && flags_.load() / one_wake < available())
                wake(woken);
            settle_flags();
        }
        look(woken);
        return how;
    }

    template <class Take>
    std::size_t try_take_over(Take& take) noexcept
    {
        list<sender> moved;
        bool taken = false;
        {
            std::lock_guard lock(mutex_);
            taken = take_from_sender(moved, take);
            settle_flags();
        }
        settle(moved, passed::done);
        return taken ? 1 : 0;
    }

    template <class Take>
    bool take_from_sender(list<sender>& moved, Take& take) noexcept
    {
        if (capacity_ != 0 || senders_.empty())
            return false;
        sender& s = dequeue(senders_);
        handed_over_.fetch_add(1);
        take(std::move(s.value));
        moved.push_back(s);
        return true;
    }

    const std::size_t capacity_;
    const std::size_t mask_;
    const std::unique_ptr<slot[]> slots_;
    alignas(64) typename Policy::template atomic<std::uint64_t> tail_{0};
    alignas(64) typename Policy::template atomic<std::uint64_t> head_{0};
    alignas(64) typename Policy::template atomic<std::uint64_t> flags_{0};
    typename Policy::template atomic<std::uint64_t> handed_over_{0};
    mutable typename Policy::mutex mutex_;
    list<receiver> receivers_;
    list<sender> senders_;
};

} // namespace weir::detail
