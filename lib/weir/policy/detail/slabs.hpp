#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace weir::detail {

/// Objects of one type in blocks, at addresses that do not change. A million of them cost little
/// more than their own bytes, and making one is a few instructions.
///
/// `T` has a member `std::uint32_t block`, which belongs to this class.
///
/// Threads: one at a time.
/// Memory: blocks hold more objects the more there are, from 8 to 126. One that has become empty is
///         freed, except for the last of them. So is nothing else: a block with one object stays.
template <class T>
class slabs {
public:
    slabs() = default;
    slabs(const slabs&) = delete;
    slabs& operator=(const slabs&) = delete;
    /// Precondition: every object is gone.
    ~slabs()
    {
        for (block* b : blocks_)
            free_memory(b);
    }

    template <class... Args>
    T* make(Args&&... args)
    {
        block& b = with_room_ != nullptr ? *with_room_ : add_block();
        const bool reused = b.free != nullptr;
        spot* const place = reused ? b.free : b.spots() + b.fresh;
        spot* const next = reused ? place->next : nullptr; // `T` is made over it
        T* made = nullptr;
        try {
            made = ::new (static_cast<void*>(place)) T(std::forward<Args>(args)...);
        } catch (...) {
            if (reused)
                place->next = next;
            throw;
        }
        made->block = b.index;
        if (reused)
            b.free = next;
        else
            ++b.fresh;
        if (b.used++ == 0)
            spare_ = nullptr; // only the spare block is empty
        if (b.used == b.capacity)
            leave_room_list(b);
        ++size_;
        return made;
    }

    void destroy(T* object) noexcept
    {
        block& b = *blocks_[object->block];
        object->~T();
        spot* const place = ::new (static_cast<void*>(object)) spot;
        place->next = b.free;
        b.free = place;
        if (b.used-- == b.capacity)
            enter_room_list(b);
        --size_;
        if (b.used != 0)
            return;
        if (block* const other = std::exchange(spare_, &b)) {
            spare_ = other->capacity < b.capacity ? other : &b; // the smaller one
            remove(other->capacity < b.capacity ? b : *other);
        }
    }

private:
    union spot {
        spot() noexcept : next(nullptr) {}
        ~spot() {}
        spot* next; // while it is free
        T object;
    };

    struct alignas(std::max(alignof(T), alignof(void*))) block {
        spot* spots() noexcept { return reinterpret_cast<spot*>(this + 1); }

        block* previous = nullptr; // of those with room
        block* next = nullptr;
        spot* free = nullptr;
        std::uint32_t index = 0;
        std::uint16_t capacity = 0;
        std::uint16_t used = 0;
        std::uint16_t fresh = 0; // from here on no spot was ever used
    };
    static constexpr std::align_val_t alignment{alignof(block)};

    static constexpr std::size_t least = 8;
    static constexpr std::size_t most = 126;

    block& add_block()
    {
        const std::size_t capacity = std::clamp(size_, least, most);
        if (free_indices_.empty()) {
            if (free_indices_.capacity() <= blocks_.size()) // so that `destroy` allocates nothing
                free_indices_.reserve(2 * blocks_.size() + 1);
            blocks_.push_back(nullptr);
            free_indices_.push_back(static_cast<std::uint32_t>(blocks_.size() - 1));
        }
        void* const memory = ::operator new(sizeof(block) + capacity * sizeof(spot), alignment);
        block& b = *::new (memory) block;
        b.index = free_indices_.back();
        free_indices_.pop_back();
        b.capacity = static_cast<std::uint16_t>(capacity);
        blocks_[b.index] = &b;
        enter_room_list(b);
        spare_ = &b;
        return b;
    }

    void remove(block& b) noexcept
    {
        leave_room_list(b);
        blocks_[b.index] = nullptr;
        free_indices_.push_back(b.index);
        free_memory(&b);
        // After the last one that is there, no index is needed.
        if (free_indices_.size() + 1 == blocks_.size() && size_ == 0)
            forget_indices();
    }

    // One block is left, and it is empty.
    void forget_indices() noexcept
    {
        if (blocks_.size() <= 16)
            return;
        try {
            std::vector<block*> one(1, spare_);
            std::vector<std::uint32_t> none;
            none.reserve(1);
            spare_->index = 0;
            blocks_.swap(one);
            free_indices_.swap(none);
        } catch (...) {
            // They stay as they are.
        }
    }

    void enter_room_list(block& b) noexcept
    {
        b.previous = nullptr;
        b.next = with_room_;
        if (with_room_ != nullptr)
            with_room_->previous = &b;
        with_room_ = &b;
    }

    void leave_room_list(block& b) noexcept
    {
        (b.previous != nullptr ? b.previous->next : with_room_) = b.next;
        if (b.next != nullptr)
            b.next->previous = b.previous;
    }

    static void free_memory(block* b) noexcept
    {
        if (b != nullptr)
            ::operator delete(b, alignment);
    }

    std::vector<block*> blocks_;
    std::vector<std::uint32_t> free_indices_;
    block* with_room_ = nullptr;
    block* spare_ = nullptr; // the one that is empty
    std::size_t size_ = 0;
};

} // namespace weir::detail
