#include <weir/flow/detail/pool/block_cache.hpp>

#include <weir/detail/short_mutex.hpp>

#include <array>
#include <mutex>
#include <type_traits>
#include <utility>

namespace weir::detail {

namespace {

struct block {
    block* next;
    block* next_handful; // of the first of a handful
};

struct depot {
    short_mutex mutex;
    block* handfuls = nullptr;
    std::size_t count = 0;
};

// A thread may free blocks until the very end of the program, and needs no memory for that.
constinit std::array<depot, block_cache::sizes> depots;
static_assert(std::is_trivially_destructible_v<depot>);

void free_all(block* first) noexcept
{
    while (first != nullptr)
        ::operator delete(std::exchange(first, first->next));
}

// Two handfuls, so that a thread that frees and takes at the edge of one does not go to the depot
// each time.
struct pile {
    block* first = nullptr;
    std::size_t count = 0;
    block* second = nullptr; // a whole handful, or none
};

class thread_piles {
public:
    thread_piles() = default;
    thread_piles(const thread_piles&) = delete;
    thread_piles& operator=(const thread_piles&) = delete;

    ~thread_piles()
    {
        gone_ = true;
        for (pile& p : piles_) {
            free_all(p.first);
            free_all(p.second);
        }
    }

    static bool gone() noexcept { return gone_; }
    pile& of(std::size_t size) noexcept { return piles_[size]; }

private:
    static inline constinit thread_local bool gone_ = false; // outlives the object itself

    std::array<pile, block_cache::sizes> piles_;
};

pile* mine(std::size_t size) noexcept
{
    if (thread_piles::gone())
        return nullptr;
    thread_local thread_piles piles;
    return &piles.of(size);
}

block* handful_from_depot(std::size_t size) noexcept
{
    depot& d = depots[size];
    std::lock_guard lock(d.mutex);
    block* found = d.handfuls;
    if (found != nullptr) {
        d.handfuls = found->next_handful;
        --d.count;
    }
    return found;
}

void handful_to_depot(std::size_t size, block* handful) noexcept
{
    depot& d = depots[size];
    {
        std::lock_guard lock(d.mutex);
        if (d.count < block_cache::in_depot) {
            handful->next_handful = std::exchange(d.handfuls, handful);
            ++d.count;
            return;
        }
    }
    free_all(handful);
}

void* take(std::size_t size) noexcept
{
    pile* own = mine(size);
    if (own == nullptr)
        return nullptr;
    if (own->first == nullptr) {
        own->first =
            own->second != nullptr ? std::exchange(own->second, nullptr) : handful_from_depot(size);
        if (own->first == nullptr)
            return nullptr;
        own->count = block_cache::handful;
    }
    --own->count;
    return std::exchange(own->first, own->first->next);
}

bool give(std::size_t size, void* memory) noexcept
{
    pile* own = mine(size);
    if (own == nullptr)
        return false;
    if (own->count == block_cache::handful) {
        if (own->second != nullptr)
            handful_to_depot(size, own->second);
        own->second = std::exchange(own->first, nullptr);
        own->count = 0;
    }
    own->first = ::new (memory) block{own->first, nullptr};
    ++own->count;
    return true;
}

#if defined(BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING)
constexpr bool recycles = false;
#else
constexpr bool recycles = true;
#endif

} // namespace

void* block_cache::allocate(std::size_t bytes)
{
    const std::size_t lines = (bytes + line - 1) / line;
    if (recycles && lines <= sizes)
        if (void* found = take(lines - 1))
            return found;
    return ::operator new(recycles ? lines* line : bytes);
}

void block_cache::deallocate(void* memory, std::size_t bytes) noexcept
{
    const std::size_t lines = (bytes + line - 1) / line;
    if (!recycles || lines > sizes || !give(lines - 1, memory))
        ::operator delete(memory);
}

} // namespace weir::detail
