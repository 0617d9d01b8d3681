#include <pace.hpp>

#include <weir/time/clock.hpp>

#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

BOOST_AUTO_TEST_SUITE(pace)

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::simulation;
using weir_fetch::speed_limit;

/// Takes so many bytes in parts, as a transfer does.
asio::awaitable<void> transfer(std::unique_ptr<speed_limit> own,
                               std::shared_ptr<speed_limit> of_all, std::size_t bytes)
{
    weir_fetch::pace mine(std::move(own), std::move(of_all));
    while (bytes != 0) {
        const std::size_t part = std::min(bytes, mine.most_to_read());
        mine.received(part);
        bytes -= part;
        while (mine.wants_rest())
            co_await mine.rest();
    }
}

std::unique_ptr<speed_limit> limit(simulation& s, std::uint64_t bytes)
{
    return std::make_unique<speed_limit>(s.a.get_executor(), bytes);
}

BOOST_AUTO_TEST_CASE(a_transfer_takes_as_long_as_its_limit_says)
{
    for (const std::size_t speed : {1UL, 7UL, 1000UL, 1'000'000UL}) {
        simulation s(1);
        const auto began = s.world.now();
        s.spawn([&]() -> asio::awaitable<void> {
            return transfer(limit(s, speed), nullptr, 10 * speed);
        });
        s.run();
        const auto took = s.world.now() - began;
        BOOST_TEST((took <= 10s), speed);
        BOOST_TEST((took >= 8900ms), speed); // the first part costs nothing
    }
}

BOOST_AUTO_TEST_CASE(all_transfers_together_keep_to_the_limit_of_all)
{
    simulation s(1);
    const std::shared_ptr<speed_limit> of_all = limit(s, 1000);
    const auto began = s.world.now();
    for (int i = 0; i != 10; ++i)
        s.spawn([&]() -> asio::awaitable<void> { return transfer(nullptr, of_all, 1000); });
    s.run();
    const auto took = s.world.now() - began;
    BOOST_TEST((took <= 10s));
    BOOST_TEST((took >= 9800ms));
}

BOOST_AUTO_TEST_CASE(the_lower_of_two_limits_counts)
{
    simulation s(1);
    const std::shared_ptr<speed_limit> of_all = limit(s, 10'000);
    const auto began = s.world.now();
    s.spawn([&]() -> asio::awaitable<void> { return transfer(limit(s, 1000), of_all, 10'000); });
    s.run();
    BOOST_TEST((s.world.now() - began >= 9800ms));
    BOOST_TEST((s.world.now() - began <= 11s));
}

BOOST_AUTO_TEST_SUITE_END()
