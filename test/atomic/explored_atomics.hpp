#pragma once

#include "explorer.hpp"
#include "vector_clock.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

// What the cores get instead of `weir::detail::real_atomics`. Each access to an atomic and each
// lock is a point where the explorer chooses; values are sequentially consistent. Plain data is no
// such point: two accesses to it that no atomic and no lock orders fail the schedule, whatever
// their values. For that order, what a memory order does not promise does not count. An access to
// either whose memory was given back and painted over (`given_back`) fails the schedule too.

namespace weir::test {

constexpr std::uint32_t alive = 0xa11fe;

/// An atomic whose every access is a point of the explorer's.
template <class T>
class explored_atomic {
public:
    explored_atomic() = default;
    explored_atomic(T value) : value_(value) {}
    explored_atomic(const explored_atomic&) = delete;
    explored_atomic& operator=(const explored_atomic&) = delete;

    T load(std::memory_order order = std::memory_order_seq_cst) const
    {
        reach();
        acquire(order);
        return value_;
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst)
    {
        reach();
        published_ = vector_clock();
        release(order);
        value_ = value;
    }
    T exchange(T value, std::memory_order order = std::memory_order_seq_cst)
    {
        return change(order, [value](T) { return value; });
    }
    T fetch_add(T by, std::memory_order order = std::memory_order_seq_cst)
    {
        return change(order, [by](T v) { return v + by; });
    }
    T fetch_sub(T by, std::memory_order order = std::memory_order_seq_cst)
    {
        return change(order, [by](T v) { return v - by; });
    }
    T fetch_or(T by, std::memory_order order = std::memory_order_seq_cst)
    {
        return change(order, [by](T v) { return v | by; });
    }
    T fetch_and(T by, std::memory_order order = std::memory_order_seq_cst)
    {
        return change(order, [by](T v) { return v & by; });
    }
    bool compare_exchange_weak(T& expected, T desired,
                               std::memory_order order = std::memory_order_seq_cst,
                               std::memory_order on_failure = std::memory_order_seq_cst)
    {
        reach();
        if (value_ != expected) {
            acquire(on_failure);
            expected = value_;
            return false;
        }
        acquire(order);
        release(order);
        value_ = desired;
        return true;
    }
    operator T() const { return load(); }

private:
    template <class Change>
    T change(std::memory_order order, Change how)
    {
        reach();
        acquire(order);
        release(order);
        const T before = value_;
        value_ = how(before);
        return before;
    }

    void reach() const
    {
        explorer::point();
        explorer::expect(alive_ == alive, "an atomic is used when it is gone");
    }
    void acquire(std::memory_order order) const
    {
        if (order != std::memory_order_relaxed && order != std::memory_order_release)
            explorer::acquire(published_);
    }
    void release(std::memory_order order)
    {
        if (order != std::memory_order_relaxed && order != std::memory_order_acquire)
            explorer::release(published_);
    }

    T value_{};
    vector_clock published_;
    std::uint32_t alive_ = alive;
};

class explored_mutex {
public:
    void lock()
    {
        explorer::point();
        if (held_)
            explorer::block([this] { return !held_; });
        held_ = true;
        explorer::acquire(published_);
    }
    void unlock()
    {
        explorer::release(published_);
        held_ = false;
    }

private:
    bool held_ = false;
    vector_clock published_;
};

/// Data that something else must protect. No access is a point; each is checked for an order with
/// those of the other threads, its creation and its destruction too.
template <class T>
class explored_plain {
public:
    explored_plain() { changes(); }
    explored_plain(T value) : value_(std::move(value)) { changes(); }
    explored_plain(const explored_plain& other) : value_(other) { changes(); }
    ~explored_plain() { changes(); }

    explored_plain& operator=(T value)
    {
        changes();
        value_ = std::move(value);
        return *this;
    }
    explored_plain& operator=(const explored_plain& other) { return *this = T(other); }

    operator T() const
    {
        if (const vector_clock* now = explorer::clock()) {
            expect_alive();
            check(now->includes(written_));
            read_[explorer::current()] = (*now)[explorer::current()];
        }
        return value_;
    }
    T operator++() { return *this = *this + 1; }
    T operator--() { return *this = *this - 1; }

private:
    void changes()
    {
        const vector_clock* now = explorer::clock();
        if (now == nullptr)
            return;
        expect_alive();
        check(now->includes(written_) && now->includes(read_));
        const auto me = static_cast<std::uint32_t>(explorer::current());
        written_ = {me, (*now)[me]};
    }

    void expect_alive() const
    {
        explorer::expect(alive_ == alive, "plain data is used when it is gone");
    }

    static void check(bool ordered)
    {
        explorer::expect(ordered, "plain data is used by two threads without an order");
    }

    T value_{};
    mutable vector_clock read_;
    vector_clock::epoch written_;
    std::uint32_t alive_ = alive;
};

/// What orders two threads outside the cores: in the library a waiter goes on in a handler that
/// was posted to it.
class explored_post {
public:
    void post() { explorer::release(published_); }
    void run() { explorer::acquire(published_); }

private:
    vector_clock published_;
};

/// Whether the last owner of an object is known to come after the others.
enum class owners {
    ordered, // by something that cannot be seen here, such as the count of a `shared_ptr`
    one      // it must see to that
};

/// Makes an object that several threads use. When its last owner has gone, its memory is painted
/// over and stays until the end, so that what is in it notices that it is used too late.
template <class T, owners Owners = owners::ordered, class... Args>
std::shared_ptr<T> given_back(std::shared_ptr<void>& memory, Args&&... args)
{
    memory =
        std::shared_ptr<void>(::operator new(sizeof(T), std::align_val_t(alignof(T))),
                              [](void* p) { ::operator delete(p, std::align_val_t(alignof(T))); });
    return std::shared_ptr<T>(::new (memory.get()) T(std::forward<Args>(args)...), [](T* object) {
        if (Owners == owners::ordered)
            explorer::acquire_all();
        object->~T();
        auto* const first = reinterpret_cast<unsigned char*>(object);
        std::fill(first, first + sizeof(T), static_cast<unsigned char>(0));
    });
}

/// For the cores' `Atomics` parameter.
struct explored_atomics {
    template <class T>
    using atomic = explored_atomic<T>;
    template <class T>
    using plain = explored_plain<T>;
    using mutex = explored_mutex;
    static constexpr std::size_t batch = 1; // other threads come in between
    static void pause(unsigned) { explorer::pause(); }
};

} // namespace weir::test
