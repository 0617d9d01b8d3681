#pragma once

#include <cstddef>

namespace weir::detail {

/// A node that is in at most one `list`.
struct list_node {
    list_node* next = nullptr;
    list_node* previous = nullptr;
};

/// An intrusive, doubly linked list. Owns nothing.
template <class Node>
class list {
public:
    list() = default;
    list(list&& other) noexcept : head_(other.head_), tail_(other.tail_), size_(other.size_)
    {
        other.head_ = other.tail_ = nullptr;
        other.size_ = 0;
    }
    list& operator=(list&&) = delete;

    bool empty() const noexcept { return head_ == nullptr; }
    std::size_t size() const noexcept { return size_; }
    Node& front() const noexcept { return *static_cast<Node*>(head_); }
    /// Null at the end.
    static Node* after(const Node& node) noexcept
    {
        return static_cast<Node*>(static_cast<const list_node&>(node).next);
    }

    void push_back(Node& node) noexcept
    {
        list_node& n = node;
        n.next = nullptr;
        n.previous = tail_;
        (tail_ != nullptr ? tail_->next : head_) = &n;
        tail_ = &n;
        ++size_;
    }

    void push_front(Node& node) noexcept
    {
        list_node& n = node;
        n.previous = nullptr;
        n.next = head_;
        (head_ != nullptr ? head_->previous : tail_) = &n;
        head_ = &n;
        ++size_;
    }

    void erase(Node& node) noexcept
    {
        list_node& n = node;
        (n.previous != nullptr ? n.previous->next : head_) = n.next;
        (n.next != nullptr ? n.next->previous : tail_) = n.previous;
        n.next = n.previous = nullptr;
        --size_;
    }

    Node& pop_front() noexcept
    {
        Node& node = front();
        erase(node);
        return node;
    }

    Node& back() const noexcept { return *static_cast<Node*>(tail_); }
    Node& pop_back() noexcept
    {
        Node& node = back();
        erase(node);
        return node;
    }

    /// The node at hand may leave the list, or go, meanwhile.
    template <class Do>
    void for_each(Do what) const
    {
        for (list_node* n = head_; n != nullptr;) {
            list_node* const next = n->next;
            what(*static_cast<Node*>(n));
            n = next;
        }
    }

private:
    list_node* head_ = nullptr;
    list_node* tail_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace weir::detail
