#pragma once

#include <weir/duration.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace weir::detail {

/// Base of what is in at most one `instant_heap` at a time.
class instant_heap_node {
public:
    bool is_in_heap() const noexcept { return heap_place_ != outside; }

private:
    template <class>
    friend class instant_heap;

    static constexpr std::size_t outside = std::numeric_limits<std::size_t>::max();
    std::size_t heap_place_ = outside;
};

/// Nodes by an instant each, the earliest first; any of them may leave. A d-ary heap (d = 4).
///
/// Memory: 16 bytes a node, reserved by its owner, so that nothing else here allocates.
template <class Node>
class instant_heap {
public:
    /// For so many nodes altogether.
    void reserve(std::size_t count)
    {
        if (count > slots_.capacity())
            slots_.reserve(std::max<std::size_t>(count, 2 * slots_.capacity()));
    }

    bool empty() const noexcept { return slots_.empty(); }
    std::size_t size() const noexcept { return slots_.size(); }
    Node& first() const noexcept { return *slots_.front().node; }
    /// `time_point::max()` when it is empty.
    time_point first_at() const noexcept
    {
        return slots_.empty() ? time_point::max() : slots_.front().at;
    }

    bool holds(const Node& n) const noexcept
    {
        const std::size_t place = place_of(n);
        return place < slots_.size() && slots_[place].node == &n;
    }

    /// Puts it in, or moves it. Precondition: it is in no other heap, and there is room.
    void put(Node& n, time_point at) noexcept
    {
        if (!holds(n)) {
            slots_.push_back({at, &n});
            place_of(n) = slots_.size() - 1;
            return sift_up(slots_.size() - 1);
        }
        const std::size_t place = place_of(n);
        slots_[place].at = at;
        sift_up(place);
        sift_down(place_of(n));
    }

    void remove(Node& n) noexcept
    {
        const std::size_t place = place_of(n);
        place_of(n) = instant_heap_node::outside;
        const slot last = slots_.back();
        slots_.pop_back();
        if (place == slots_.size())
            return;
        set(place, last);
        sift_up(place);
        sift_down(place_of(*last.node));
    }

    /// Gives back what is reserved beyond this.
    void shrink(std::size_t count) noexcept
    {
        if (!slots_.empty() || slots_.capacity() <= count)
            return;
        try {
            std::vector<slot> smaller;
            smaller.reserve(count);
            slots_.swap(smaller);
        } catch (...) {
            // It stays as it is.
        }
    }

private:
    struct slot {
        time_point at;
        Node* node;
    };
    static constexpr std::size_t arity = 4;

    static std::size_t& place_of(instant_heap_node& n) noexcept { return n.heap_place_; }
    static std::size_t place_of(const instant_heap_node& n) noexcept { return n.heap_place_; }

    void set(std::size_t index, slot value) noexcept
    {
        slots_[index] = value;
        place_of(*value.node) = index;
    }

    void sift_up(std::size_t index) noexcept
    {
        const slot moving = slots_[index];
        for (; index > 0 && moving.at < slots_[(index - 1) / arity].at; index = (index - 1) / arity)
            set(index, slots_[(index - 1) / arity]);
        set(index, moving);
    }

    void sift_down(std::size_t index) noexcept
    {
        const slot moving = slots_[index];
        for (;;) {
            const std::size_t first = index * arity + 1;
            if (first >= slots_.size())
                break;
            std::size_t least = first;
            for (std::size_t child = first + 1; child < std::min(first + arity, slots_.size());
                 ++child)
                if (slots_[child].at < slots_[least].at)
                    least = child;
            if (moving.at <= slots_[least].at)
                break;
            set(index, slots_[least]);
            index = least;
        }
        set(index, moving);
    }

    std::vector<slot> slots_;
};

} // namespace weir::detail
