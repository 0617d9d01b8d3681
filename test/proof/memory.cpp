#include "proof/memory.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

// The linker turns every call of aligned_alloc and free in this program into a call of the function
// with the prefix __wrap_ (see CMakeLists.txt).

namespace {

std::atomic<long> held{0};

#if defined(WEIR_PROOF_COUNTS_MEMORY)

extern "C" {
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void __real_free(void* memory);
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size);
void __wrap_free(void* memory);
}

#endif

} // namespace

long weir::test::blocks_held()
{
    return held.load();
}

#if defined(WEIR_PROOF_COUNTS_MEMORY)

extern "C" void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size)
{
    void* const memory = __real_aligned_alloc(alignment, size);
    if (memory != nullptr)
        ++held;
    return memory;
}

extern "C" void __wrap_free(void* memory)
{
    if (memory != nullptr)
        --held;
    __real_free(memory);
}

void* operator new(std::size_t size)
{
    void* const memory = std::malloc(size);
    if (memory == nullptr)
        throw std::bad_alloc();
    ++held;
    return memory;
}

void operator delete(void* memory) noexcept
{
    __wrap_free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    __wrap_free(memory);
}

#endif
