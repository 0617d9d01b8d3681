#pragma once

#include <weir/sync/detail/channel_lines.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace weir::detail {

/// The rule of a bounded, closable, many-to-many queue. Knows no executor, clock or handler.
///
/// Values go through a `ring` without a lock; the lock is for parked senders and receivers.
///
/// Waiting: a parked sender keeps its value in its node until another thread moves it into the
///          ring, so closing, cancelling and destruction can hand it back. While a sender is
///          parked, `try_push` says `full`, so none overtakes it. A parked receiver is notified and
///          then takes its value itself, so no value is lost with a wake-up; there are never more
///          wake-ups under way than values to take.
///
/// A thread that parks sets a flag and looks again; a thread that moves a position loads the flags
/// afterwards. Both are sequentially consistent, so one of them sees the other. A position that is
/// claimed while its slot is not ready yet means `retry`, never parking.
///
/// Reserving: a reserved place is counted under the lock, and while there is one the tail says so.
///            Pushes then take the lock too, and the count is exact. The end of the stream waits
///            for it.
template <class T, class Atomics = real_atomics>
class channel_core : private channel_lines<T, Atomics> {
    using base = channel_lines<T, Atomics>;
    using typename base::receivers;
    using typename base::ring;
    using typename base::senders;

public:
    using typename base::receiver;
    using typename base::sender;

    explicit channel_core(std::size_t places) : base(places) {}

    /// `done`, `full` or `closed`. Moves from the value only when done.
    attempt_result try_push(T& value) noexcept
    {
        if (capacity() == 0)
            return try_hand_over(value);
        if ((flags_.load(std::memory_order_relaxed) & base::senders_parked) != 0)
            return is_closed() ? attempt_result::closed : attempt_result::full;
        attempt_result result = ring_.push(value, ring::closed | ring::reserving);
        if (result == attempt_result::guarded)
            result = try_push_beside_reservations(value);
        if (result == attempt_result::done)
            notify();
        return result;
    }

    /// Moves values in from the front while there is room and no sender waits. Returns how many.
    std::size_t try_push_some(T* values, std::size_t most) noexcept
    {
        return try_push_some(most, [values](std::size_t i) -> T&& { return std::move(values[i]); });
    }

    /// The same for what `give(i)` makes, which must not throw.
    template <class Give>
    std::size_t try_push_some(std::size_t most, Give&& give) noexcept
    {
        std::size_t count = 0;
        if (capacity() != 0 && (flags_.load(std::memory_order_relaxed) & base::senders_parked) == 0)
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

    /// For a receiver that starts. True: parked; it may be gone, and so may this core. False: there
    /// is something to see, or it was given up; go on as if notified.
    bool park_unless_ready(receiver& r) noexcept
    {
        std::lock_guard lock(mutex_);
        flags_.fetch_or(base::receivers_parked);
        const std::uint64_t tail = ring_.tail();
        const bool ready = !ring_.is_empty(tail) || ring_.is_ended(tail) || !senders_.empty() ||
                           base::is_given_up(r);
        if (ready)
            flags_.fetch_add(base::one_wake);
        else
            base::enqueue(receivers_, r);
        update_flags();
        return !ready;
    }

    /// For a receiver that was notified: `done` (`take` was called for up to `most` values),
    /// `closed` (end of stream), `parked`, `retry`, or `timed_out`: it would have to park, and was
    /// given up.
    template <class Take>
    attempt_result pop_or_park(receiver& r, std::size_t most, Take&& take) noexcept
    {
        if (try_pop(most, take) != 0)
            return attempt_result::done;
        senders moved;
        attempt_result result = attempt_result::parked;
        {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(base::receivers_parked);
            refill(moved);
            if (ring_.pop(most, take) != 0 || take_from_senders(moved, most, take) != 0) {
                refill(moved);
                result = attempt_result::done;
            } else {
                const std::uint64_t tail = ring_.tail();
                if (!ring_.is_empty(tail))
                    result = attempt_result::retry;
                else if (ring_.is_ended(tail))
                    result = attempt_result::closed;
                else if (base::is_given_up(r))
                    result = attempt_result::timed_out;
                else
                    base::enqueue(receivers_, r);
            }
            update_flags();
        }
        base::settle(moved, attempt_result::done);
        if (result == attempt_result::done)
            popped();
        return result;
    }

    /// For a sender that starts: `done`, `closed`, `parked`, `retry`, or `timed_out`: it would have
    /// to park, and was given up. With capacity 0 this core must be kept until it returns.
    attempt_result push_or_park(sender& s) noexcept
    {
        // With capacity 0 the value stays with its sender until it is taken: no shortcut.
        if (capacity() != 0 && s.value != nullptr) {
            const attempt_result at_once = try_push(*s.value);
            if (at_once != attempt_result::full)
                return at_once;
        }
        attempt_result result = attempt_result::parked;
        receivers woken;
        {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(base::senders_parked);
            if (is_closed())
                result = attempt_result::closed;
            else if (senders_.empty() && capacity() != 0)
                result = admit(s);
            if (result == attempt_result::full)
                result = attempt_result::parked;
            if (result == attempt_result::parked && base::is_given_up(s))
                result = attempt_result::timed_out;
            if (result == attempt_result::parked) {
                base::enqueue(senders_, s);
                // Under this lock: afterwards another thread may end the sender, and with it the
                // channel. One value came, so one receiver is enough.
                if (capacity() == 0 && base::has_receiver_for_a_value())
                    wake(woken);
            }
            update_flags();
        }
        base::notify_each(woken);
        if (result == attempt_result::done)
            notify();
        return result;
    }

    /// Reserves a place: `done`, `full` or `closed`. Precondition: the capacity is not 0.
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
            // The place is free, but the thread that popped its last value may not have left yet.
            for (unsigned round = 1; ring_.push(value, 0) != attempt_result::done; ++round)
                Atomics::pause(round);
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
    bool unpark(receiver& r) noexcept { return base::unpark(receivers_, r); }
    bool unpark(sender& s) noexcept { return base::unpark(senders_, s); }

    /// As `unpark`. If it was not parked, it will not park any more either.
    bool give_up(receiver& r) noexcept { return base::give_up(receivers_, r); }
    bool give_up(sender& s) noexcept { return base::give_up(senders_, s); }

    /// The first call of a receiver that was notified, also when it goes away without looking.
    void woken() noexcept { flags_.fetch_sub(base::one_wake); }

    /// Wakes receivers while there are more values than wake-ups under way. A receiver that was
    /// woken calls it when it is done, whatever its result.
    void notify() noexcept
    {
        if (const std::uint64_t flags = flags_.load(); (flags & base::receivers_parked) != 0)
            notify_parked(flags);
    }

    /// The caller keeps the channel alive.
    [[gnu::cold]] void close() noexcept
    {
        ring_.close();
        senders back;
        receivers woken;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            flags_.fetch_or(base::closing);
            more = base::hand_back(back);
            more = wake_all_at_the_end(woken) || more;
            update_flags();
        }
        base::settle(back, attempt_result::closed);
        base::notify_each(woken);
    }

    bool is_closed() const noexcept { return ring_.is_closed(); }
    /// Closed, and nothing is buffered or reserved any more: every receive from now on is end of
    /// stream.
    bool is_ended() const noexcept { return ring_.is_ended(ring_.tail()); }
    using base::capacity;

    /// How many values are buffered. Never too few.
    std::size_t size() const noexcept { return ring_.size(); }

    /// How many values were taken from a sender so far.
    std::uint64_t sent() const noexcept { return ring_.pushed() + handed_over_.load(); }

    /// Counts a value that a sender gave up and that did not go through the ring.
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
    using base::admit;
    using base::available;
    using base::flags_;
    using base::handed_over_;
    using base::has_room;
    using base::mutex_;
    using base::receivers_;
    using base::refill;
    using base::reserve;
    using base::ring_;
    using base::senders_;
    using base::take_from_senders;
    using base::unreserve;
    using base::update_flags;
    using base::wake;
    using base::wake_all_at_the_end;
    using base::wake_for_what_is_there;

    [[gnu::cold]] attempt_result try_push_beside_reservations(T& value) noexcept
    {
        std::lock_guard lock(mutex_);
        if (!senders_.empty() || !has_room())
            return is_closed() ? attempt_result::closed : attempt_result::full;
        return ring_.push(value, ring::closed);
    }

    // Not inlined, as `use_room`: nearly every call finds nothing to do before it comes here.
    [[gnu::noinline]] void notify_parked(std::uint64_t flags) noexcept
    {
        if (capacity() != 0 && flags / base::one_wake >= ring_.size())
            return;
        receivers woken;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            more = wake_for_what_is_there(woken);
            update_flags();
        }
        base::notify_each(woken);
    }

    // After positions moved forward, or a place was given back: parked senders' values come in, and
    // receivers learn of the end of the stream.
    void popped() noexcept
    {
        const std::uint64_t flags = flags_.load();
        // With capacity 0 a value comes straight from its sender: there is no room to use.
        const std::uint64_t parked = capacity() != 0 ? base::senders_parked : 0;
        if ((flags & (parked | base::closing)) != 0)
            use_room(flags);
    }

    [[gnu::noinline]] void use_room(std::uint64_t flags) noexcept
    {
        senders moved;
        receivers woken;
        for (bool more = true; more;) {
            std::lock_guard lock(mutex_);
            more = refill(moved);
            if ((flags & base::closing) != 0)
                more = wake_all_at_the_end(woken) || more;
            update_flags();
        }
        const bool more = !moved.empty();
        base::settle(moved, attempt_result::done);
        base::notify_each(woken);
        if (more)
            notify();
    }

    // ---- capacity 0: a value goes from sender to receiver

    // A send that does not wait succeeds only when a receiver waits. The value then stands in the
    // ring's one slot until that receiver, or another, takes it.
    attempt_result try_hand_over(T& value) noexcept
    {
        receivers woken;
        attempt_result result = attempt_result::full;
        {
            std::lock_guard lock(mutex_);
            if (is_closed())
                result = attempt_result::closed;
            else if (!receivers_.empty() && senders_.empty())
                result = ring_.push(value, ring::closed);
            if (result == attempt_result::done && flags_.load() / base::one_wake < available())
                wake(woken);
            update_flags();
        }
        base::notify_each(woken);
        return result;
    }

    template <class Take>
    std::size_t try_take_over(std::size_t most, Take& take) noexcept
    {
        senders moved;
        std::size_t count = 0;
        {
            std::lock_guard lock(mutex_);
            count = take_from_senders(moved, most, take);
            update_flags();
        }
        base::settle(moved, attempt_result::done);
        return count;
    }
};

} // namespace weir::detail
