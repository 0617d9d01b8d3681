#include "run_memory.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

namespace weir::test::run_memory {

namespace {

constexpr std::size_t nobody = most_threads;

struct header {
    std::size_t size;
    std::size_t before; // what was taken before it
};
constexpr std::size_t before_each = sizeof(header);

struct memory {
    unsigned char stacks[most_threads][stack_size];
    unsigned char parts[most_threads][part_size];
};
alignas(4096) memory all;
static_assert(sizeof all == words * word);

std::array<std::size_t, most_threads> taken{};
std::size_t owner = nobody;

void* take(std::size_t size, std::size_t alignment)
{
    std::size_t& at = taken[owner];
    alignment = std::max(alignment, before_each);
    const std::size_t begin = (at + before_each + alignment - 1) / alignment * alignment;
    if (begin + size > part_size) {
        std::fputs("test_atomic: a run allocates more than run_memory::part_size\n", stderr);
        std::abort();
    }
    unsigned char* const result = all.parts[owner] + begin;
    ::new (static_cast<void*>(result - before_each)) header{size, at};
    at = begin + size;
    return result;
}

} // namespace

void allocate_for(std::size_t thread)
{
    owner = thread;
}

void stop()
{
    owner = nobody;
}

not_of_the_run::not_of_the_run() : owner_(std::exchange(owner, nobody)) {}

not_of_the_run::~not_of_the_run()
{
    owner = owner_;
}

void clear()
{
    for (std::size_t i = 0; i < most_threads; ++i) {
        std::fill_n(all.parts[i], taken[i], static_cast<unsigned char>(0));
        taken[i] = 0;
    }
}

unsigned char* stack(std::size_t thread)
{
    return all.stacks[thread];
}

unsigned char* part(std::size_t thread)
{
    return all.parts[thread];
}

std::size_t used(std::size_t thread)
{
    return taken[thread];
}

void forget_below(std::size_t thread, unsigned char* top)
{
    unsigned char* const first = all.stacks[thread];
    const auto depth = std::min<std::ptrdiff_t>(top - first, 2048);
    std::fill(top - depth, top, static_cast<unsigned char>(0));
}

bool is_own_stack(std::size_t thread, const void* address)
{
    const auto offset = reinterpret_cast<std::uintptr_t>(address) -
                        reinterpret_cast<std::uintptr_t>(all.stacks[thread]);
    return offset < stack_size;
}

std::size_t word_of(const void* address)
{
    const auto offset =
        reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(&all);
    return offset < sizeof all ? offset / word : elsewhere;
}

} // namespace weir::test::run_memory

// ---- `new` and `delete` of the whole program

namespace here = weir::test::run_memory;

namespace {

void give_back(void* p)
{
    if (here::word_of(p) == here::elsewhere)
        return std::free(p);
    auto* const bytes = static_cast<unsigned char*>(p);
    auto* const first = bytes - here::before_each;
    const here::header h = *reinterpret_cast<here::header*>(first);
    std::fill_n(bytes, h.size, static_cast<unsigned char>(0));
    // The last of the thread's own goes as if it had never been there.
    if (here::owner == here::nobody)
        return;
    const auto end = static_cast<std::size_t>(bytes - here::all.parts[here::owner]) + h.size;
    if (end == here::taken[here::owner]) {
        std::fill_n(first, here::before_each, static_cast<unsigned char>(0));
        here::taken[here::owner] = h.before;
    }
}

} // namespace

void* operator new(std::size_t size)
{
    if (here::owner != here::nobody)
        return here::take(size, 1);
    if (void* const p = std::malloc(std::max<std::size_t>(size, 1)))
        return p;
    throw std::bad_alloc();
}

void* operator new(std::size_t size, std::align_val_t alignment)
{
    const auto to = static_cast<std::size_t>(alignment);
    if (here::owner != here::nobody)
        return here::take(size, to);
    if (void* const p = std::aligned_alloc(to, (size + to - 1) / to * to))
        return p;
    throw std::bad_alloc();
}

void operator delete(void* p) noexcept
{
    give_back(p);
}
void operator delete(void* p, std::size_t) noexcept
{
    give_back(p);
}
void operator delete(void* p, std::align_val_t) noexcept
{
    give_back(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept
{
    give_back(p);
}
