#include "failing_allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

// The linker turns every call of aligned_alloc in this program into a call of the function with the
// prefix __wrap_ (see CMakeLists.txt).

namespace {

constinit thread_local long left = -1;
constinit thread_local bool failed = false;

#if defined(WEIR_ALLOCATIONS_FAIL)

bool fails() noexcept
{
    if (left < 0)
        return false;
    const bool now = left-- == 0;
    failed = failed || now;
    return now;
}

extern "C" {
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size);
}

#endif

} // namespace

void weir::test::fail_allocation(long after)
{
    left = after;
    if (after >= 0)
        failed = false;
}

bool weir::test::allocation_failed()
{
    return failed;
}

#if defined(WEIR_ALLOCATIONS_FAIL)

bool weir::test::allocations_can_fail()
{
    return true;
}

extern "C" void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size)
{
    return fails() ? nullptr : __real_aligned_alloc(alignment, size);
}

void* operator new(std::size_t size)
{
    void* const memory = fails() ? nullptr : std::malloc(size);
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}

void operator delete(void* memory) noexcept
{
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}

#else

bool weir::test::allocations_can_fail()
{
    return false;
}

#endif
