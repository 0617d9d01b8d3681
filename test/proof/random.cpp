// Random cancellation under many seeds: the accounts balance, whatever is cancelled and when.
#include "proof/mixture.hpp"
#include "proof/prove.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstdio>

using weir::sim::schedules;
using weir::sim::world;

namespace {

unsigned long long number(std::uint64_t n)
{
    return n;
}

} // namespace

BOOST_AUTO_TEST_SUITE(random_cancellation)

BOOST_AUTO_TEST_CASE(the_accounts_balance)
{
    weir::test::events sum;
    // Where scopes are cut short, in parts that are short enough: none of them is left out.
    const bool in_parts = weir::test::is_small() && !weir::test::is_replay();
    const std::uint64_t all_seeds = weir::test::seeds();
    const std::uint64_t part = in_parts ? 50 : all_seeds;
    for (std::uint64_t first = 1; first <= all_seeds; first += part)
        weir::test::prove("semaphore, channel, scope, worker_pool; random cancellation",
                          schedules::random(part, first), [&sum](world& w) {
                              weir::test::mixture all(w);
                              all.run();
                              all.add_to(sum);
                          });

    std::printf("    jobs:");
    for (const auto& [how, count] : sum.jobs)
        std::printf(" %s %llu,", weir::to_string(how), number(count));
    std::printf(" rejected %llu\n", number(sum.jobs_rejected));
    std::printf("    permits: granted %llu, cancelled or closed %llu\n", number(sum.granted),
                number(sum.not_granted));
    std::printf("    values: received %llu, handed back %llu, undelivered %llu\n",
                number(sum.received), number(sum.handed_back), number(sum.undelivered));

    if (weir::test::is_replay())
        return;
    using weir::status;
    for (const status how : {status::ok, status::failed, status::cancelled, status::timed_out,
                             status::dropped, status::abandoned})
        BOOST_TEST(sum.jobs[how] > 0U, weir::to_string(how) << " never happened");
    for (const std::uint64_t count : {sum.jobs_rejected, sum.granted, sum.not_granted, sum.received,
                                      sum.handed_back, sum.undelivered})
        BOOST_TEST(count > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
