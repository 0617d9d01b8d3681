#pragma once

#include <weir/detail/atomics.hpp>

#include <cstddef>

// The library's intrusive containers. They own nothing and have no lock: the caller orders the
// accesses. The links are `plain` data of the atomics policy, so that the explorer in test/atomic
// sees an access that has no order.

namespace weir::detail {

/// The base of a node that is in at most one `list` at a time.
template <class Atomics = real_atomics>
class list_node {
    template <class, class>
    friend class list;

    typename Atomics::template plain<list_node*> next_{nullptr};
    typename Atomics::template plain<list_node*> previous_{nullptr};
};

/// A doubly linked list: any node leaves in constant time.
template <class Node, class Atomics = real_atomics>
class list {
public:
    list() = default;
    list(list&& other) noexcept : head_(other.head_), tail_(other.tail_), size_(other.size_)
    {
        other.head_ = nullptr;
        other.tail_ = nullptr;
        other.size_ = 0;
    }
    list& operator=(list&&) = delete;

    bool empty() const noexcept { return head_ == nullptr; }
    std::size_t size() const noexcept { return size_; }
    Node& front() const noexcept { return node_of(head_); }
    Node& back() const noexcept { return node_of(tail_); }

    /// The node behind this one, or null.
    Node* after(const Node& node) const noexcept
    {
        const link& n = node;
        link* const next = n.next_;
        return static_cast<Node*>(next);
    }

    /// The node in front of this one, or null.
    Node* before(const Node& node) const noexcept
    {
        const link& n = node;
        link* const previous = n.previous_;
        return static_cast<Node*>(previous);
    }

    void push_back(Node& node) noexcept
    {
        link& n = node;
        link* const last = tail_;
        n.next_ = nullptr;
        n.previous_ = last;
        (last != nullptr ? last->next_ : head_) = &n;
        tail_ = &n;
        ++size_;
    }

    void push_front(Node& node) noexcept
    {
        link& n = node;
        link* const first = head_;
        n.previous_ = nullptr;
        n.next_ = first;
        (first != nullptr ? first->previous_ : tail_) = &n;
        head_ = &n;
        ++size_;
    }

    void erase(Node& node) noexcept
    {
        link& n = node;
        link* const next = n.next_;
        link* const previous = n.previous_;
        (previous != nullptr ? previous->next_ : head_) = next;
        (next != nullptr ? next->previous_ : tail_) = previous;
        n.next_ = nullptr;
        n.previous_ = nullptr;
        --size_;
    }

    Node& pop_front() noexcept
    {
        Node& node = front();
        erase(node);
        return node;
    }

    Node& pop_back() noexcept
    {
        Node& node = back();
        erase(node);
        return node;
    }

    /// `what(node)` may take its own node out of the list, and destroy it.
    template <class Do>
    void for_each(Do what) const
    {
        for (link* n = head_; n != nullptr;) {
            link* const next = n->next_;
            what(node_of(n));
            n = next;
        }
    }

private:
    using link = list_node<Atomics>;

    static Node& node_of(link* n) noexcept { return *static_cast<Node*>(n); }

    typename Atomics::template plain<link*> head_{nullptr};
    typename Atomics::template plain<link*> tail_{nullptr};
    typename Atomics::template plain<std::size_t> size_{0};
};

/// The base of a node that is in at most one `chain` at a time. It may be in a `list` too.
template <class Atomics = real_atomics>
class chain_node {
    template <class, class>
    friend class chain;

    typename Atomics::template plain<chain_node*> next_{nullptr};
};

/// A singly linked list, for nodes that enter at the end and leave at the front. Half the links of
/// a `list`.
template <class Node, class Atomics = real_atomics>
class chain {
public:
    chain() = default;
    chain(chain&& other) noexcept : first_(other.first_), last_(other.last_) { other.clear(); }
    /// Precondition: this one is empty.
    chain& operator=(chain&& other) noexcept
    {
        first_ = other.first_;
        last_ = other.last_;
        other.clear();
        return *this;
    }

    bool empty() const noexcept { return first_ == nullptr; }

    void push_back(Node& node) noexcept
    {
        link& n = node;
        n.next_ = nullptr;
        link* const last = last_;
        (first_ != nullptr ? last->next_ : first_) = &n;
        last_ = &n;
    }

    Node& pop_front() noexcept
    {
        link* const n = first_;
        first_ = n->next_;
        return *static_cast<Node*>(n);
    }

    /// Puts the nodes of `front` before those that are here, in their order.
    void prepend(chain&& front) noexcept
    {
        if (front.empty())
            return;
        link* const last = front.last_;
        last->next_ = first_;
        if (first_ == nullptr)
            last_ = last;
        first_ = front.first_;
        front.clear();
    }

private:
    using link = chain_node<Atomics>;

    void clear() noexcept { first_ = nullptr; }

    typename Atomics::template plain<link*> first_{nullptr};
    typename Atomics::template plain<link*> last_{nullptr}; // only when there is a first
};

} // namespace weir::detail
