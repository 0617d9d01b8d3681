#include "torture/torture.hpp"

#include <boost/test/results_collector.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace weir::test {

namespace {

// What a leak would do each time, a cache does a few times only.
constexpr int times = 4;

const char* name_of(failing which)
{
    return which == failing::one ? "allocation" : "every allocation from";
}

[[noreturn]] void tell_and_abort()
{
    count_allocations(false);
    std::fprintf(stderr, "std::terminate, after this allocation had failed:%s\n",
                 first_failure().c_str());
    std::abort();
}

template <class Poll>
std::size_t run_with(Poll poll)
{
    std::size_t thrown = 0;
    while (thrown < 100) // else it goes round in a circle
        try {
            poll();
            break;
        } catch (const std::bad_alloc&) {
            ++thrown;
        }
    return thrown;
}

/// True: an allocation has failed.
bool fail_at(failing which, std::size_t at, const std::function<void()>& scenario)
{
    long more = 0;
    for (int i = 0; i < times; ++i) {
        const long before = blocks_held();
        fail_allocations(which, at);
        count_allocations(false);
        try {
            scenario();
        } catch (const std::exception& e) {
            BOOST_ERROR("it threw: " << e.what());
        }
        count_allocations(false);
        const bool failed = failed_allocations() != 0;
        more = blocks_held() - before;
        if (more <= 0)
            return failed;
    }
    BOOST_ERROR(more << " blocks were not freed");
    return failed_allocations() != 0;
}

} // namespace

std::size_t run_on(sim::world& world)
{
    return run_with([&world] { world.run(); });
}

std::size_t run_on(boost::asio::io_context& io)
{
    return run_with([&io] {
        io.restart();
        io.poll();
    });
}

void each_allocation_fails(std::size_t least, const std::function<void()>& scenario)
{
    const auto before = std::set_terminate(tell_and_abort);
    const auto errors = [] {
        return boost::unit_test::results_collector
            .results(boost::unit_test::framework::current_test_case_id())
            .p_assertions_failed.get();
    };
    for (const failing which : {failing::one, failing::all_from})
        for (std::size_t at = 0;; ++at) {
            bool failed = false;
            const auto known = errors();
            BOOST_TEST_CONTEXT(name_of(which) << " " << at)
            failed = fail_at(which, at, scenario);
            if (errors() != known)
                BOOST_TEST_MESSAGE(name_of(which) << " " << at << ":" << first_failure());
            if (!failed || at == 2000) {
                BOOST_TEST((at >= least && at < 2000));
                break;
            }
        }
    std::set_terminate(before);
}

} // namespace weir::test
