#pragma once

#include <cstddef>
#include <memory>

namespace weir::test {

/// What a `counting_allocator` has given out.
struct allocations {
    std::size_t made = 0;
    std::size_t alive = 0;
};

/// Counts what an operation takes and gives back.
template <class T>
class counting_allocator {
public:
    using value_type = T;

    explicit counting_allocator(allocations& count) noexcept : count_(&count) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) noexcept : count_(other.count_)
    {
    }

    T* allocate(std::size_t n)
    {
        ++count_->made;
        ++count_->alive;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* memory, std::size_t n) noexcept
    {
        --count_->alive;
        std::allocator<T>().deallocate(memory, n);
    }

    template <class U>
    bool operator==(const counting_allocator<U>& other) const noexcept
    {
        return count_ == other.count_;
    }

private:
    template <class>
    friend class counting_allocator;
    allocations* count_;
};

} // namespace weir::test
