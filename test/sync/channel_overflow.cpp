#include <weir/sync/channel.hpp>

#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <vector>

namespace asio = boost::asio;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(channel)

using ints = weir::channel<int>;

BOOST_AUTO_TEST_CASE(a_full_channel_that_rejects_hands_the_value_back)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 1, weir::overflow::reject);
    s.spawn([&]() -> asio::awaitable<void> {
        BOOST_TEST(bool(co_await channel.async_send(1)));
        const auto second = co_await channel.async_send(2);
        BOOST_TEST((second.error() == weir::errc::full));
    });
    s.run();
    BOOST_TEST((channel.try_send(3).error() == weir::errc::full));
    BOOST_TEST(channel.try_receive().value() == 1);
}

BOOST_AUTO_TEST_CASE(the_oldest_or_the_newest_is_dropped_and_goes_to_the_hook)
{
    using weir::overflow;
    for (const overflow rule : {overflow::drop_oldest, overflow::drop_newest}) {
        simulation s(1);
        std::vector<int> dropped, got;
        ints channel(s.a.get_executor(), 2, rule, [&](int&& v) { dropped.push_back(v); });
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 3; ++i)
                BOOST_TEST(bool(co_await channel.async_send(i)));
            BOOST_TEST(bool(channel.try_send(3)));
            channel.close();
            while (auto value = co_await channel.async_receive())
                got.push_back(*value);
        });
        s.run();
        const std::vector<int> first{0, 1}, last{2, 3};
        BOOST_TEST(got == (rule == overflow::drop_oldest ? last : first));
        BOOST_TEST(dropped == (rule == overflow::drop_oldest ? first : last));
        BOOST_TEST(channel.sent() == 4U);
    }
}

BOOST_AUTO_TEST_CASE(with_nothing_to_drop_the_value_that_came_is_dropped)
{
    simulation s(1);
    std::vector<int> dropped;
    const auto keep = [&](int&& v) { dropped.push_back(v); };
    ints none(s.a.get_executor(), 0, weir::overflow::drop_oldest, keep);
    BOOST_TEST(bool(none.try_send(1)));
    ints reserved(s.a.get_executor(), 1, weir::overflow::drop_oldest, keep);
    auto place = reserved.try_reserve();
    BOOST_TEST(bool(place));
    BOOST_TEST(bool(reserved.try_send(2)));
    place.send(3);
    BOOST_TEST(reserved.try_receive().value() == 3);
    BOOST_TEST((dropped == std::vector<int>{1, 2}));
}

BOOST_AUTO_TEST_SUITE_END()
