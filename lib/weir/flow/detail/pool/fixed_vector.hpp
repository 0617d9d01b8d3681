#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace weir::detail {

/// A vector of at most `Capacity` values, inside the object. (Boost's `static_vector` costs each
/// user of a pool half a megabyte of headers.)
///
/// Precondition of adding: there is room.
template <class T, std::size_t Capacity>
class fixed_vector {
public:
    fixed_vector() = default;
    fixed_vector(const fixed_vector&) = delete;
    fixed_vector& operator=(const fixed_vector&) = delete;
    ~fixed_vector() { clear(); }

    template <class... Args>
    T& emplace_back(Args&&... args)
    {
        T* added =
            ::new (static_cast<void*>(memory_ + size_ * sizeof(T))) T(std::forward<Args>(args)...);
        ++size_;
        return *added;
    }

    /// Precondition: it is not empty.
    void pop_back() noexcept { std::destroy_at(data() + --size_); }

    void clear() noexcept
    {
        std::destroy_n(data(), size_);
        size_ = 0;
    }

    std::size_t size() const noexcept { return size_; }
    T* data() noexcept { return std::launder(reinterpret_cast<T*>(memory_)); }
    T& operator[](std::size_t i) noexcept { return data()[i]; }

private:
    std::size_t size_ = 0;
    alignas(T) unsigned char memory_[Capacity * sizeof(T)];
};

} // namespace weir::detail
