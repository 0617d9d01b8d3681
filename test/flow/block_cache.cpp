#include <weir/flow/detail/pool/block_cache.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(block_cache)

using weir::detail::block_cache;

#if defined(BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING)
constexpr bool recycles = false;
#else
constexpr bool recycles = true;
#endif

constexpr std::size_t largest = block_cache::line * block_cache::sizes;

BOOST_AUTO_TEST_CASE(a_block_comes_back_for_any_size_of_as_many_lines)
{
    if (!recycles)
        return;
    void* const first = block_cache::allocate(65);
    block_cache::deallocate(first, 65);
    void* const second = block_cache::allocate(128);
    BOOST_TEST(second == first);
    void* const other = block_cache::allocate(64); // of one line: not the same
    BOOST_TEST(other != first);
    block_cache::deallocate(second, 128);
    block_cache::deallocate(other, 64);
}

// More blocks than a thread keeps and than the depot holds, in three sizes at once.
BOOST_AUTO_TEST_CASE(blocks_do_not_overlap_and_are_aligned)
{
    constexpr std::size_t many = block_cache::handful * 5 + 7;
    for (int round = 0; round < 3; ++round) {
        std::vector<std::pair<unsigned char*, std::size_t>> blocks;
        for (std::size_t i = 0; i < many; ++i)
            for (const std::size_t bytes : {std::size_t{1}, std::size_t{200}, largest}) {
                auto* const block = static_cast<unsigned char*>(block_cache::allocate(bytes));
                BOOST_REQUIRE(reinterpret_cast<std::uintptr_t>(block) %
                                  __STDCPP_DEFAULT_NEW_ALIGNMENT__ ==
                              0U);
                std::memset(block, static_cast<int>(blocks.size() % 251), bytes);
                blocks.emplace_back(block, bytes);
            }
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < blocks.size(); ++i)
            for (std::size_t at = 0; at < blocks[i].second; ++at)
                wrong += blocks[i].first[at] == i % 251 ? 0 : 1;
        BOOST_TEST(wrong == 0U);
        for (const auto& [block, bytes] : blocks)
            block_cache::deallocate(block, bytes);
    }
}

BOOST_AUTO_TEST_CASE(what_was_given_back_is_given_out_once)
{
    constexpr std::size_t many = block_cache::handful * 6; // the depot gives several handfuls
    for (int round = 0; round < 3; ++round) {
        std::set<void*> out;
        for (std::size_t i = 0; i < many; ++i)
            BOOST_REQUIRE(out.insert(block_cache::allocate(300)).second);
        for (void* const block : out)
            block_cache::deallocate(block, 300);
    }
}

BOOST_AUTO_TEST_CASE(one_that_is_larger_than_the_largest_is_no_block)
{
    const std::size_t bytes = largest + 1;
    auto* const block = static_cast<unsigned char*>(block_cache::allocate(bytes));
    std::memset(block, 1, bytes);
    block_cache::deallocate(block, bytes);
    void* const empty = block_cache::allocate(largest);
    std::memset(empty, 2, largest);
    block_cache::deallocate(empty, largest);
}

BOOST_AUTO_TEST_SUITE_END()
