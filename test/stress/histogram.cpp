#include <weir/flow/histogram.hpp>

#include "support/watchdog.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(stress_histogram)

BOOST_AUTO_TEST_CASE(others_look_while_one_thread_counts)
{
    const weir::test::watchdog dog(60s);
    constexpr std::uint64_t additions = 300'000;
    weir::histogram_recorder seen;
    std::atomic<bool> over{false};
    std::thread writer([&] {
        for (std::uint64_t i = 0; i < additions; ++i)
            seen.add(std::chrono::nanoseconds(1000 + i % 1000));
        over = true;
    });
    std::uint64_t before = 0;
    bool last = false;
    do {
        last = over;
        const weir::histogram now = seen.snapshot();
        BOOST_REQUIRE(now.count() >= before);
        BOOST_REQUIRE(now.count() <= additions);
        BOOST_REQUIRE(now.min() <= now.max());
        if (!now.empty())
            BOOST_REQUIRE((now.quantile(0.5) <= 2us));
        before = now.count();
    } while (!last);
    writer.join();
    BOOST_TEST(before == additions);
    BOOST_TEST((seen.snapshot().min() == 1000ns && seen.snapshot().max() == 1999ns));
    BOOST_TEST((seen.snapshot().sum() == additions * 1000ns + additions / 1000 * 499500ns));
}

BOOST_AUTO_TEST_SUITE_END()
