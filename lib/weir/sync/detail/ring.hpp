#pragma once

#include <weir/detail/atomics.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// The result of an attempt on a channel, or of a wait there.
enum class attempt_result {
    done,
    parked,      ///< in line: the result comes later
    full,        ///< no room now
    closed,      ///< nothing new enters; for a receiver: no value will come any more
    cancelled,   ///< the waiter gave up because it was cancelled
    retry,       ///< another thread is between two steps that belong together: try again
    timed_out,   ///< it waited until its deadline
    no_capacity, ///< a capacity of 0 has no places to reserve
    guarded,     ///< places are reserved: decide under the lock
};

/// A bounded many-to-many ring of values, without a lock.
///
/// A slot's `sequence` says whose turn it is: `p` means free for the push of position p, `p | 1`
/// means full for the pop of p. Positions count in steps of four. The low bits of the tail are the
/// flags `closed` and `reserving`, so that pushing, closing and reserving meet on one word, and one
/// load of it decides the end of the stream.
///
/// Source: Dmitry Vyukov's bounded queue (1024cores.net), with exact capacities, batches, and the
///         two flags.
template <class T, class Atomics>
class ring {
    static_assert(
        std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
        "a channel's value type must move without throwing, or a value could be lost on its way");

    template <class V>
    using atomic = typename Atomics::template atomic<V>;

public:
    /// Nothing new enters.
    static constexpr std::uint64_t closed = 1;
    /// Some places are reserved: a push without a reservation must be decided under the lock.
    static constexpr std::uint64_t reserving = 2;
    static constexpr std::uint64_t step = 4;

    /// With a capacity of 0 there is still one slot, for a value that is being handed over.
    explicit ring(std::size_t capacity)
        : capacity_(capacity), mask_(round_up(capacity) - 1), slots_(new slot[mask_ + 1])
    {
        for (std::size_t i = 0; i <= mask_; ++i)
            slots_[i].sequence.store(i * step, std::memory_order_relaxed);
    }

    ~ring()
    {
        const std::uint64_t end = position(tail_.load());
        for (std::uint64_t p = head_.load(); p != end; p += step)
            at(p).value()->~T();
    }

    /// `done` or `full`; `closed` or `guarded` when that flag is in the tail and in `stops`. Moves
    /// from the value only when done.
    attempt_result push(T& value, std::uint64_t stops) noexcept
    {
        std::uint64_t tail = tail_.load(std::memory_order_acquire);
        for (;;) {
            if ((tail & stops) != 0)
                return (tail & stops & closed) != 0 ? attempt_result::closed
                                                    : attempt_result::guarded;
            const std::uint64_t p = position(tail);
            slot& s = at(p);
            const std::uint64_t turn = s.sequence.load(std::memory_order_acquire);
            if (turn == p) {
                // A ring of exactly the capacity is full when its slot is. A larger one has to
                // count.
                if (capacity_ <= mask_ && capacity_ != 0 && used(p) >= capacity_)
                    return attempt_result::full;
                if (tail_.compare_exchange_weak(tail, tail + step)) {
                    fill(p, std::move(value));
                    return attempt_result::done;
                }
            } else if (static_cast<std::int64_t>(turn - p) < 0) {
                return attempt_result::full;
            } else {
                tail = tail_.load(std::memory_order_acquire);
            }
        }
    }

    /// Pushes up to `most` values, as many as there is room for, with one step of the tail.
    /// `give(i)` makes the i-th value, and must not throw. Returns how many: 0 also when a flag of
    /// `stops` is in the tail.
    template <class Give>
    [[gnu::noinline]] std::size_t push_some(std::size_t most, std::uint64_t stops,
                                            Give&& give) noexcept
    {
        std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        for (;;) {
            if ((tail & stops) != 0)
                return 0;
            const std::uint64_t p = position(tail);
            std::size_t room = most;
            if (capacity_ <= mask_) { // a ring larger than the capacity has to count
                const std::size_t left = capacity_ - used(p);
                if (left < room)
                    room = left;
            }
            std::size_t count = 0;
            std::uint64_t turn = p;
            for (; count < room; ++count) {
                turn = at(p + count * step).sequence.load(std::memory_order_acquire);
                if (turn != p + count * step)
                    break;
            }
            if (count == 0) {
                if (room == 0 || static_cast<std::int64_t>(turn - p) < 0)
                    return 0;
                tail = tail_.load(std::memory_order_relaxed);
            } else if (tail_.compare_exchange_weak(tail, tail + count * step)) {
                for (std::size_t i = 0; i < count; ++i)
                    fill(p + i * step, give(i));
                return count;
            }
        }
    }

    /// Moves up to `most` values into `take(T&&)`, which must not throw. Returns how many.
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
                for (std::size_t i = 0; i < count; ++i)
                    empty(head + i * step, take);
                return count;
            }
        }
    }

    void close() noexcept { tail_.fetch_or(closed); }

    /// False: closed, and nothing can be reserved any more.
    bool begin_reserving() noexcept
    {
        std::uint64_t tail = tail_.load();
        do {
            if ((tail & closed) != 0)
                return false;
        } while (!tail_.compare_exchange_weak(tail, tail | reserving));
        return true;
    }
    void end_reserving() noexcept { tail_.fetch_and(~reserving); }

    /// The tail as it is now, for the functions below.
    std::uint64_t tail() const noexcept { return tail_.load(); }
    /// A signal, as is a push that finds it closed: what was done before `close` is seen.
    bool is_closed() const noexcept
    {
        return (tail_.load(std::memory_order_acquire) & closed) != 0;
    }

    bool is_empty(std::uint64_t tail) const noexcept { return position(tail) == head_.load(); }
    /// No value is here, and none will come.
    bool is_ended(std::uint64_t tail) const noexcept
    {
        return (tail & (closed | reserving)) == closed && is_empty(tail);
    }

    std::size_t capacity() const noexcept { return capacity_; }

    /// How many values are here. Never too few: the head is read first.
    std::size_t size() const noexcept
    {
        const std::uint64_t head = head_.load();
        return static_cast<std::size_t>((position(tail_.load()) - head) / step);
    }

    /// How many values have been pushed so far.
    std::uint64_t pushed() const noexcept { return tail_.load() / step; }

private:
    // A cache line each: the sender of one value and the receiver of its neighbour do not slow each
    // other down.
    struct alignas(64) slot {
        T* value() noexcept { return std::launder(reinterpret_cast<T*>(memory)); }

        atomic<std::uint64_t> sequence{0};
        alignas(T) unsigned char memory[sizeof(T)];
    };

    static constexpr std::uint64_t position(std::uint64_t tail) noexcept
    {
        return tail & ~(closed | reserving);
    }

    static std::size_t round_up(std::size_t capacity) noexcept
    {
        std::size_t size = 1;
        while (size < capacity)
            size *= 2;
        return size;
    }

    // As seen from a tail that may be out of date. The result is then wrong, but harmless: the
    // compare-and-swap of the tail fails.
    std::size_t used(std::uint64_t p) const noexcept
    {
        const auto steps = static_cast<std::int64_t>(p - head_.load());
        return steps > 0 ? static_cast<std::size_t>(steps) / step : 0;
    }

    slot& at(std::uint64_t p) noexcept
    {
        return slots_[static_cast<std::size_t>(p / step) & mask_];
    }

    void fill(std::uint64_t p, T&& value) noexcept
    {
        slot& s = at(p);
        ::new (static_cast<void*>(s.memory)) T(std::move(value));
        s.sequence.store(p | 1, std::memory_order_release);
    }

    template <class Take>
    void empty(std::uint64_t p, Take& take) noexcept
    {
        slot& s = at(p);
        T* value = s.value();
        take(std::move(*value));
        value->~T();
        s.sequence.store(p + (mask_ + 1) * step, std::memory_order_release);
    }

    const std::size_t capacity_;
    const std::size_t mask_;
    const std::unique_ptr<slot[]> slots_;
    alignas(64) atomic<std::uint64_t> tail_{0};
    alignas(64) atomic<std::uint64_t> head_{0};
};

} // namespace weir::detail
