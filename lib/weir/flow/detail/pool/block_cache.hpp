#pragma once

#include <cstddef>
#include <new>

namespace weir::detail {

/// Memory for objects that are made on one thread and destroyed on another, over and over, such as
/// tasks: a `malloc` that keeps freed blocks with the thread that freed them would go on asking the
/// system for new ones.
///
/// Each thread keeps a few free blocks of each size; whole handfuls of them move between threads
/// through a depot. When the library is built without recycling (by Asio's own switch, which the
/// sanitizers' builds set) it is `operator new`, so that a use after free is found.
/// Memory: at most `in_depot` handfuls of each size beside two for each thread that frees any.
/// Source: magazines and a depot, after J. Bonwick and J. Adams, "Magazines and Vmem" (USENIX
///         2001).
class block_cache {
public:
    static constexpr std::size_t line = 64;
    static constexpr std::size_t sizes = 8; // blocks of 1 to 8 lines
    static constexpr std::size_t handful = 32;
    static constexpr std::size_t in_depot = 64;

    static void* allocate(std::size_t bytes);
    static void deallocate(void* memory, std::size_t bytes) noexcept;
};

/// `block_cache` as an allocator.
template <class T>
struct recycling_blocks {
    using value_type = T;

    recycling_blocks() noexcept = default;
    template <class U>
    recycling_blocks(const recycling_blocks<U>&) noexcept
    {
    }

    T* allocate(std::size_t count)
    {
        static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                      "weir: what a pool allocates is not over-aligned: hold a pointer to it");
        return static_cast<T*>(block_cache::allocate(count * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t count) noexcept
    {
        block_cache::deallocate(memory, count * sizeof(T));
    }

    template <class U>
    bool operator==(const recycling_blocks<U>&) const noexcept
    {
        return true;
    }
};

} // namespace weir::detail
