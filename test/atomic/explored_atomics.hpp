#pragma once

#include "explorer.hpp"
#include "weakened.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

// What the cores get instead of `weir::detail::real_atomics`. Each access to an atomic and each
// lock is a point where the explorer chooses; what a load sees is up to `weak_memory`. Plain data
// is none: two accesses to it that no atomic and no lock orders fail the run, whatever their
// values. An access to either whose memory was given back fails the run too.

namespace weir::test {

constexpr std::uint32_t alive = 0xa11fe;

/// An atomic whose every access is a point of the explorer's.
template <class T>
class alignas(8) explored_atomic {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
    using order = std::memory_order;

public:
    explored_atomic() : explored_atomic(T{}) {}
    explored_atomic(T value) : value_(value)
    {
        if (weak_memory* const m = explorer::memory())
            where_ = static_cast<std::uint32_t>(m->make(this, bits(value)));
    }
    ~explored_atomic()
    {
        if (weak_memory* const m = explorer::memory(); m != nullptr && where_ != nowhere)
            m->destroy(this);
    }
    explored_atomic(const explored_atomic&) = delete;
    explored_atomic& operator=(const explored_atomic&) = delete;

    T load(order o = order::seq_cst, place from = place::here()) const
    {
        weak_memory* const m = reach();
        if (m == nullptr)
            return value_;
        const std::uint64_t seen = m->load(this, where_, in_force(from, o));
        explorer::sweep();
        return value(seen);
    }
    void store(T by, order o = order::seq_cst, place from = place::here())
    {
        weak_memory* const m = reach();
        if (m != nullptr)
            m->store(this, where_, bits(by), in_force(from, o));
        else
            value_ = by;
        explorer::sweep();
    }
    T exchange(T by, order o = order::seq_cst, place from = place::here())
    {
        return change([by](T) { return by; }, in_force(from, o));
    }
    T fetch_add(T by, order o = order::seq_cst, place from = place::here())
    {
        return change([by](T v) { return static_cast<T>(v + by); }, in_force(from, o));
    }
    T fetch_sub(T by, order o = order::seq_cst, place from = place::here())
    {
        return change([by](T v) { return static_cast<T>(v - by); }, in_force(from, o));
    }
    T fetch_or(T by, order o = order::seq_cst, place from = place::here())
    {
        return change([by](T v) { return static_cast<T>(v | by); }, in_force(from, o));
    }
    T fetch_and(T by, order o = order::seq_cst, place from = place::here())
    {
        return change([by](T v) { return static_cast<T>(v & by); }, in_force(from, o));
    }
    bool compare_exchange_weak(T& expected, T desired, order success, order failure,
                               place from = place::here())
    {
        return exchange_if(expected, desired, weak_memory::strength::weak, in_force(from, success),
                           in_force(from, failure));
    }
    bool compare_exchange_weak(T& expected, T desired, order o = order::seq_cst,
                               place from = place::here())
    {
        o = in_force(from, o);
        return exchange_if(expected, desired, weak_memory::strength::weak, o, on_failure(o));
    }
    bool compare_exchange_strong(T& expected, T desired, order success, order failure,
                                 place from = place::here())
    {
        return exchange_if(expected, desired, weak_memory::strength::strong,
                           in_force(from, success), in_force(from, failure));
    }
    bool compare_exchange_strong(T& expected, T desired, order o = order::seq_cst,
                                 place from = place::here())
    {
        o = in_force(from, o);
        return exchange_if(expected, desired, weak_memory::strength::strong, o, on_failure(o));
    }
    operator T() const { return load(); }

private:
    static constexpr std::uint32_t nowhere = ~0U;

    static std::uint64_t bits(T v)
    {
        std::uint64_t b = 0;
        std::memcpy(&b, &v, sizeof v);
        return b;
    }
    static T value(std::uint64_t b)
    {
        T v;
        std::memcpy(&v, &b, sizeof v);
        return v;
    }
    static constexpr order on_failure(order o) // what is left of it
    {
        return o == order::acq_rel ? order::acquire : o == order::release ? order::relaxed : o;
    }

    // Null outside a run, where there is no other thread.
    weak_memory* reach() const
    {
        explorer::point();
        if (alive_ != alive)
            explorer::give_up("an atomic is used when it is gone");
        return where_ != nowhere && alive_ == alive ? explorer::memory() : nullptr;
    }

    template <class Change>
    T change(Change how, order o)
    {
        weak_memory* const m = reach();
        if (m == nullptr)
            return std::exchange(value_, how(value_));
        const auto on_bits = [how](std::uint64_t b) { return bits(how(value(b))); };
        const std::uint64_t before = m->change(this, where_, on_bits, o);
        explorer::sweep();
        return value(before);
    }

    bool exchange_if(T& expected, T desired, weak_memory::strength kind, order success,
                     order failure)
    {
        weak_memory* const m = reach();
        if (m == nullptr) {
            if (bits(value_) != bits(expected)) {
                expected = value_;
                return false;
            }
            value_ = desired;
            return true;
        }
        std::uint64_t was = bits(expected);
        const bool done =
            m->compare_exchange(this, where_, was, bits(desired), kind, success, failure);
        explorer::sweep();
        expected = value(was);
        return done;
    }

    T value_;
    std::uint32_t where_ = nowhere;
    std::uint32_t alive_ = alive;
};

inline void explored_fence(std::memory_order o, place from = place::here())
{
    explorer::point();
    if (weak_memory* const m = explorer::memory())
        m->fence(in_force(from, o));
    explorer::sweep();
}

class alignas(8) explored_mutex {
public:
    explored_mutex()
    {
        if (weak_memory* const m = explorer::memory())
            m->new_edge(this);
    }
    explored_mutex(const explored_mutex&) = delete;
    explored_mutex& operator=(const explored_mutex&) = delete;
    ~explored_mutex()
    {
        touch(weak_memory::use::destroy);
        explorer::expect(!held_, "a lock is destroyed while it is held");
        alive_ = 0;
    }

    void lock()
    {
        explorer::point();
        touch(weak_memory::use::read);
        if (held_)
            explorer::block([this] { return !held_; });
        held_ = true;
        if (weak_memory* const m = explorer::memory())
            m->enter(this);
        explorer::sweep();
    }
    void unlock()
    {
        held_ = false;
        if (weak_memory* const m = explorer::memory())
            m->leave(this);
        explorer::sweep();
    }

private:
    void touch(weak_memory::use how)
    {
        if (alive_ != alive)
            explorer::give_up("a lock is used when it is gone");
        if (weak_memory* const m = explorer::memory(); m != nullptr && m->watches_lives())
            m->touch(this, how, "a lock is destroyed while another thread may use it");
    }

    bool held_ = false;
    std::uint32_t alive_ = alive;
};

/// Data that something else must protect. No access is a point; each is checked for an order with
/// those of the other threads, its creation and its destruction too.
template <class T>
class alignas(8) explored_plain {
public:
    explored_plain() { changes(); }
    explored_plain(T value) : value_(std::move(value)) { changes(); }
    explored_plain(const explored_plain& other) noexcept : value_(other) { changes(); }
    ~explored_plain()
    {
        touch(weak_memory::use::destroy);
        alive_ = 0;
    }

    explored_plain& operator=(T value)
    {
        changes();
        value_ = std::move(value);
        return *this;
    }
    explored_plain& operator=(const explored_plain& other) { return *this = T(other); }

    operator T() const
    {
        touch(weak_memory::use::read);
        return value_;
    }
    T operator++() { return *this = *this + 1; }
    T operator--() { return *this = *this - 1; }

private:
    void changes() { touch(weak_memory::use::write); }

    void touch(weak_memory::use how) const
    {
        if (!explorer::in_thread())
            return;
        if (alive_ != alive)
            explorer::give_up("plain data is used when it is gone");
        explorer::memory()->touch(this, how, "plain data is used by two threads without an order");
        explorer::sweep_a_little();
    }

    T value_{};
    std::uint32_t alive_ = alive;
};

/// What orders two threads outside the cores: in the library a waiter goes on in a handler that
/// was posted to it.
class alignas(8) explored_post {
public:
    explored_post()
    {
        if (weak_memory* const m = explorer::memory())
            m->new_edge(this);
    }
    void post()
    {
        if (weak_memory* const m = explorer::memory())
            m->leave(this);
        explorer::sweep();
    }
    void run()
    {
        if (weak_memory* const m = explorer::memory())
            m->enter(this);
        explorer::sweep();
    }

private:
    [[maybe_unused]] std::uint64_t its_address_ = 0; // is all that counts
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
    if (weak_memory* const m = explorer::memory())
        m->watch_lives();
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
