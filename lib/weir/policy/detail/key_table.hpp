#pragma once

#include <weir/policy/detail/slabs.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

namespace weir::detail {

/// The bits of a hash that the standard library may have left as the key's own: spread over all 64.
inline std::uint64_t spread(std::uint64_t hash) noexcept
{
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93U;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93U;
    return hash ^ (hash >> 32);
}

/// Finds entries by key: a flat table of hashes and pointers, with the entries in slabs, so that
/// their addresses do not change.
///
/// `Entry` is made from a key, and has the members `key`, `std::uint32_t hash` and what `slabs`
/// asks for. The caller computes hashes, with `spread`, and hands in the upper half.
///
/// Threads: one at a time.
/// Memory: 20 to 30 bytes an entry beside its own, while it grows; it shrinks with what is there,
///         down to 8 slots. Removing allocates at most a smaller table, and does without if there
///         is no memory.
/// Source: linear probing with backward-shift deletion (Knuth, The Art of Computer Programming,
///         volume 3, 6.4, algorithm R). A slot is found by multiplication instead of a remainder
///         (Lemire, 2019), so that the table may grow by half.
template <class Entry>
class key_table {
public:
    key_table() = default;
    key_table(const key_table&) = delete;
    key_table& operator=(const key_table&) = delete;
    ~key_table()
    {
        for (std::size_t i = 0; i < capacity_; ++i)
            if (slots_[i].entry != nullptr)
                entries_.destroy(slots_[i].entry);
    }

    template <class Key>
    Entry* find(const Key& key, std::uint32_t hash) const
    {
        if (capacity_ == 0)
            return nullptr;
        for (std::size_t i = home(hash);; i = after(i)) {
            const slot& s = slots_[i];
            if (s.entry == nullptr)
                return nullptr;
            if (s.hash == hash && s.entry->key == key)
                return s.entry;
        }
    }

    /// Precondition: it is not there. When this throws, nothing has changed.
    template <class Key>
    Entry& insert(const Key& key, std::uint32_t hash)
    {
        if ((size_ + 1) * 5 > capacity_ * 4)
            grow();
        Entry* const made = entries_.make(key);
        made->hash = hash;
        put(slots_.get(), capacity_, {hash, made});
        ++size_;
        return *made;
    }

    void erase(Entry& entry) noexcept
    {
        std::size_t hole = home(entry.hash);
        while (slots_[hole].entry != &entry)
            hole = after(hole);
        close_gap(hole);
        entries_.destroy(&entry);
        --size_;
        if (capacity_ > least && size_ * 5 < capacity_)
            shrink();
    }

    std::size_t size() const noexcept { return size_; }

private:
    struct slot {
        std::uint32_t hash = 0;
        Entry* entry = nullptr;
    };
    static constexpr std::size_t least = 8;

    static std::size_t home(std::uint32_t hash, std::size_t capacity) noexcept
    {
        return static_cast<std::size_t>((std::uint64_t{hash} * capacity) >> 32);
    }
    std::size_t home(std::uint32_t hash) const noexcept { return home(hash, capacity_); }
    std::size_t after(std::size_t i) const noexcept { return i + 1 == capacity_ ? 0 : i + 1; }

    static void put(slot* slots, std::size_t capacity, slot what) noexcept
    {
        std::size_t i = home(what.hash, capacity);
        while (slots[i].entry != nullptr)
            i = i + 1 == capacity ? 0 : i + 1;
        slots[i] = what;
    }

    // What follows the hole and does not stand in its own place moves up.
    void close_gap(std::size_t hole) noexcept
    {
        for (std::size_t i = after(hole); slots_[i].entry != nullptr; i = after(i)) {
            const std::size_t own = home(slots_[i].hash);
            const bool stays = hole <= i ? hole < own && own <= i : hole < own || own <= i;
            if (stays)
                continue;
            slots_[hole] = slots_[i];
            hole = i;
        }
        slots_[hole] = slot();
    }

    void grow()
    {
        const std::size_t wider = capacity_ == 0 ? least : capacity_ + capacity_ / 2;
        if (wider > std::size_t{1} << 31)
            throw std::length_error("weir: more than a billion keys in use");
        move_to(std::make_unique<slot[]>(wider), wider);
    }

    void shrink() noexcept
    {
        const std::size_t half = capacity_ / 2 < least ? least : capacity_ / 2;
        if (std::unique_ptr<slot[]> smaller{new (std::nothrow) slot[half]})
            move_to(std::move(smaller), half);
    }

    void move_to(std::unique_ptr<slot[]> slots, std::size_t capacity) noexcept
    {
        for (std::size_t i = 0; i < capacity_; ++i)
            if (slots_[i].entry != nullptr)
                put(slots.get(), capacity, slots_[i]);
        slots_ = std::move(slots);
        capacity_ = capacity;
    }

    std::unique_ptr<slot[]> slots_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    slabs<Entry> entries_;
};

} // namespace weir::detail
