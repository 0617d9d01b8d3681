// What threads share beneath the pools: numbers, and memory that is made on one thread and freed on
// another.
#include <weir/flow/detail/pool/block_cache.hpp>
#include <weir/flow/detail/pool/id_source.hpp>

#include "support/watchdog.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t watched = weir::detail::block_cache::line * 7;
std::atomic<int> asked_for{0}; // how often for that many bytes

} // namespace

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIR_TEST_SANITIZERS_OWN_NEW
#endif
#endif

#if !defined(BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING) && !defined(WEIR_TEST_SANITIZERS_OWN_NEW)

void* operator new(std::size_t size)
{
    if (size == watched)
        asked_for.fetch_add(1, std::memory_order_relaxed);
    if (void* const memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept
{
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}

#endif

BOOST_AUTO_TEST_SUITE(stress_shared_parts)

using weir::detail::block_cache;

BOOST_AUTO_TEST_CASE(threads_that_number_together_give_each_number_once)
{
    constexpr std::size_t threads = 4;
    constexpr std::size_t each = 50'000;
    weir::detail::id_source ids;
    std::vector<std::vector<weir::job_id>> got(threads);
    std::vector<std::thread> at_work;
    for (std::vector<weir::job_id>& mine : got)
        at_work.emplace_back([&ids, &mine] {
            for (std::size_t i = 0; i < each; ++i)
                mine.push_back(ids.next());
        });
    for (std::thread& t : at_work)
        t.join();
    std::vector<weir::job_id> all;
    for (const std::vector<weir::job_id>& mine : got) {
        BOOST_TEST(std::is_sorted(mine.begin(), mine.end()));
        all.insert(all.end(), mine.begin(), mine.end());
    }
    std::sort(all.begin(), all.end());
    BOOST_TEST((std::adjacent_find(all.begin(), all.end()) == all.end()));
    BOOST_TEST(all.front() == 1U);
    BOOST_TEST(all.back() < threads * each + threads * 1000); // no more left out than a few blocks
}

// One makes, the other frees: what is freed comes back.
BOOST_AUTO_TEST_CASE(memory_freed_on_another_thread_comes_back)
{
    const weir::test::watchdog guard;
    constexpr int rounds = 200;
    constexpr std::size_t a_round = block_cache::handful * 4;
    std::vector<void*> blocks;
    std::atomic<bool> full{false};
    const auto free_them = [&] {
        for (int round = 0; round < rounds; ++round) {
            while (!full.load())
                std::this_thread::yield();
            for (void* const block : blocks)
                block_cache::deallocate(block, watched);
            blocks.clear();
            full = false;
        }
    };
    const int before = asked_for;
    std::thread other(free_them);
    for (int round = 0; round < rounds; ++round) {
        while (full.load())
            std::this_thread::yield();
        for (std::size_t i = 0; i < a_round; ++i)
            blocks.push_back(block_cache::allocate(watched));
        full = true;
    }
    other.join();
    // Those under way, and what two threads keep.
    BOOST_TEST(static_cast<std::size_t>(asked_for - before) <= a_round + 4 * block_cache::handful);
}

// Every thread makes and frees what the others made: none is given out twice at a time.
BOOST_AUTO_TEST_CASE(a_block_is_had_by_one_at_a_time)
{
    const weir::test::watchdog guard;
    constexpr std::size_t places = 256;
    struct owned {
        std::atomic<int> owners{0};
    };
    std::vector<std::atomic<owned*>> exchange(places);
    std::atomic<int> twice{0};
    const auto work = [&](unsigned seed) {
        for (unsigned i = 0; i < 40'000; ++i) {
            seed = seed * 1664525 + 1013904223;
            auto* const mine = ::new (block_cache::allocate(watched)) owned();
            twice += mine->owners.fetch_add(1) == 0 ? 0 : 1;
            if (owned* const other = exchange[(seed >> 16) % places].exchange(mine)) {
                twice += other->owners.fetch_sub(1) == 1 ? 0 : 1;
                block_cache::deallocate(other, watched);
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 1; i <= 3; ++i)
        threads.emplace_back(work, i);
    for (std::thread& t : threads)
        t.join();
    for (auto& place : exchange)
        if (owned* const left = place.load())
            block_cache::deallocate(left, watched);
    BOOST_TEST(twice == 0);
}

BOOST_AUTO_TEST_SUITE_END()
