#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

// Counts every allocation in a program that includes this in one file.
// `operator new` ends here too, and so does Asio, which calls `aligned_alloc`.

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace bench {

inline std::atomic<std::uint64_t> allocation_calls{0};

inline void count_allocation() noexcept
{
    allocation_calls.fetch_add(1, std::memory_order_relaxed);
}

} // namespace bench

extern "C" {

void* malloc(std::size_t size) noexcept
{
    bench::count_allocation();
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept
{
    bench::count_allocation();
    return __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) noexcept
{
    bench::count_allocation();
    return __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept
{
    bench::count_allocation();
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    bench::count_allocation();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** into, std::size_t alignment, std::size_t size) noexcept
{
    bench::count_allocation();
    void* memory = __libc_memalign(alignment, size);
    if (memory == nullptr)
        return ENOMEM;
    *into = memory;
    return 0;
}
}
