#include <weir/http/detail/recycled.hpp>

#include <array>
#include <type_traits>
#include <utility>

namespace weir::http::detail {
namespace {

struct block {
    block* next;
};

/// The free blocks of a thread, by size. Its memory is usable until the very end of the thread:
/// what is destroyed late may still free blocks.
struct piles {
    std::array<block*, recycled_blocks::largest / recycled_blocks::step> free;
    std::size_t kept; // bytes
    bool is_emptied_at_exit;
    bool gone;
};
static_assert(std::is_trivially_destructible_v<piles>);

constinit thread_local piles mine{};

struct emptied_at_exit {
    emptied_at_exit() noexcept { mine.is_emptied_at_exit = true; }
    emptied_at_exit(const emptied_at_exit&) = delete;
    emptied_at_exit& operator=(const emptied_at_exit&) = delete;
    ~emptied_at_exit()
    {
        mine.gone = true;
        for (block*& first : mine.free)
            while (first != nullptr)
                ::operator delete(std::exchange(first, first->next));
        mine.kept = 0;
    }
};

[[gnu::cold]] void empty_at_exit()
{
    thread_local const emptied_at_exit at_exit;
}

constexpr std::size_t place_of(std::size_t bytes) noexcept
{
    return bytes == 0 ? 0 : (bytes - 1) / recycled_blocks::step;
}

#if defined(BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING)
constexpr bool recycles = false;
#else
constexpr bool recycles = true;
#endif

} // namespace

void* recycled_blocks::allocate(std::size_t bytes)
{
    const std::size_t at = place_of(bytes);
    if (!recycles || at >= mine.free.size())
        return ::operator new(bytes);
    piles& here = mine;
    block*& first = here.free[at];
    if (first == nullptr)
        return ::operator new((at + 1) * step);
    here.kept -= (at + 1) * step;
    return std::exchange(first, first->next);
}

void recycled_blocks::deallocate(void* memory, std::size_t bytes) noexcept
{
    const std::size_t at = place_of(bytes);
    piles& here = mine;
    if (!recycles || at >= here.free.size() || here.gone ||
        here.kept + (at + 1) * step > most_kept) {
        ::operator delete(memory);
        return;
    }
    if (!here.is_emptied_at_exit)
        empty_at_exit();
    here.kept += (at + 1) * step;
    here.free[at] = ::new (memory) block{here.free[at]};
}

} // namespace weir::http::detail
