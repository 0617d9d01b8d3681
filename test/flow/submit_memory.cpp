// What a submit allocates. This file replaces the program's `operator new`, to count its calls.
#include <weir/flow/worker_pool.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>

using namespace weir::test;
using weir::pool_options;

namespace {

std::size_t calls = 0;

} // namespace

void* operator new(std::size_t size)
{
    ++calls;
    if (void* memory = std::malloc(size != 0 ? size : 1))
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

namespace {

/// How many allocations it takes to submit a job for which there is a place.
std::size_t to_submit(weir::overflow rule)
{
    simulation s(1);
    int_pool jobs(both(s), pool_options(weir::paused).queue(8).when_full(rule),
                  twice_after_a_second);
    int accepted = 0;
    const auto on_end = [&](const weir::submit_result<int>& result) { accepted += result ? 1 : 0; };
    jobs.async_submit(1, on_end); // the first warms up
    s.world.run();
    const std::size_t before = calls;
    jobs.async_submit(2, on_end);
    s.world.run();
    const std::size_t taken = calls - before;
    BOOST_TEST(accepted == 2);
    jobs.stop();
    s.run();
    return taken;
}

} // namespace

BOOST_AUTO_TEST_SUITE(submit_memory)

BOOST_AUTO_TEST_CASE(with_a_place_free_caller_runs_allocates_nothing_more)
{
    const std::size_t another = to_submit(weir::overflow::wait);
    BOOST_TEST(another > 0U);
    const std::size_t caller_runs = to_submit(weir::overflow::caller_runs);
    BOOST_TEST(caller_runs <= another);
    BOOST_TEST(caller_runs <= 1U); // the handler that is posted
}

BOOST_AUTO_TEST_SUITE_END()
