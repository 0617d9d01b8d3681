#pragma once

#include <cstddef>
#include <new>

namespace weir::http::detail {

/// Memory for what each request makes anew: coroutine frames, header fields, records. Freed blocks
/// stay with their thread for the next request.
///
/// When the library is built without recycling (by Asio's own switch, which the sanitizers' builds
/// set) it is `operator new`, so that a use after free is found.
/// Threads: safe from any thread; a block may be freed on another.
/// Memory: at most `most_kept` bytes of free blocks for each thread.
class recycled_blocks {
public:
    static constexpr std::size_t step = 64;
    static constexpr std::size_t largest = 4096;
    static constexpr std::size_t most_kept = 1024 * 1024;

    static void* allocate(std::size_t bytes);
    static void deallocate(void* memory, std::size_t bytes) noexcept;
};

/// `recycled_blocks` as an allocator.
template <class T>
struct recycled {
    using value_type = T;

    recycled() noexcept = default;
    template <class U>
    recycled(const recycled<U>&) noexcept
    {
    }

    T* allocate(std::size_t count)
    {
        static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
        // NOLINTNEXTLINE(bugprone-sizeof-expression): T may be a pointer, to a bucket
        return static_cast<T*>(recycled_blocks::allocate(count * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t count) noexcept
    {
        // NOLINTNEXTLINE(bugprone-sizeof-expression)
        recycled_blocks::deallocate(memory, count * sizeof(T));
    }

    template <class U>
    bool operator==(const recycled<U>&) const noexcept
    {
        return true;
    }
};

} // namespace weir::http::detail
