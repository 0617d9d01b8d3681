#include <weir/sync/channel.hpp>

#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(channel)

using ints = weir::channel<int>;

BOOST_AUTO_TEST_CASE(batches_take_what_is_there)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 4);
    std::vector<int> values = {1, 2, 3, 4, 5, 6};
    BOOST_TEST(channel.try_send_n(values) == 4U);
    std::vector<int> got;
    BOOST_TEST(channel.try_receive_n(got, 3) == 3U);
    BOOST_TEST(channel.try_receive_n(got, 100) == 1U);
    BOOST_TEST(channel.try_receive_n(got, 100) == 0U);
    BOOST_TEST(got == (std::vector<int>{1, 2, 3, 4}), boost::test_tools::per_element());
}

std::vector<int> all_of(ints& channel)
{
    std::vector<int> got;
    while (auto value = channel.try_receive())
        got.push_back(*value);
    return got;
}

// Of 3, where the ring is larger than the capacity and has to count; of 4, where it has not.
BOOST_AUTO_TEST_CASE(a_batch_fills_the_room_there_is_and_no_more)
{
    simulation s(1);
    for (const int capacity : {3, 4}) {
        ints channel(s.a.get_executor(), static_cast<std::size_t>(capacity));
        int next = 0;
        int expected = 0;
        for (int inside = 0; inside <= capacity; ++inside) { // the ring's ends come by
            for (int i = 0; i < inside; ++i)
                BOOST_TEST(bool(channel.try_send(next++)));
            std::vector<int> values;
            for (int i = 0; i < 6; ++i)
                values.push_back(next + i);
            const auto room = static_cast<std::size_t>(capacity - inside);
            BOOST_TEST(channel.try_send_n(values) == room);
            next += capacity - inside;
            BOOST_TEST(channel.size() == static_cast<std::size_t>(capacity));
            for (const int value : all_of(channel))
                BOOST_TEST(value == expected++);
            BOOST_TEST(expected == next);
        }
        BOOST_TEST(channel.sent() == static_cast<std::uint64_t>(next));
        std::vector<int> none;
        BOOST_TEST(channel.try_send_n(none) == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_batch_takes_no_reserved_place_and_overtakes_no_sender)
{
    simulation s(1);
    for (const std::size_t capacity : {3, 4}) {
        ints channel(s.a.get_executor(), capacity);
        auto place = channel.try_reserve();
        std::vector<int> values = {1, 2, 3, 4, 5};
        BOOST_TEST(channel.try_send_n(values) == capacity - 1);
        place.send(10);
        s.spawn([&]() -> asio::awaitable<void> {
            const auto sent = co_await channel.async_send(20);
            BOOST_TEST(bool(sent));
        });
        s.world.run(); // it waits for room
        std::vector<int> more = {30, 31};
        BOOST_TEST(channel.try_send_n(more) == 0U);
        BOOST_TEST(channel.try_receive().value() == 1); // and its value comes in
        BOOST_TEST(channel.try_send_n(more) == 0U);
        BOOST_TEST(channel.try_receive().value() == 2);
        BOOST_TEST(channel.try_send_n(more) == 1U);
        s.run();
        const std::vector<int> rest = all_of(channel);
        BOOST_REQUIRE(rest.size() == capacity);
        BOOST_TEST(rest[capacity - 3] == 10);
        BOOST_TEST(rest[capacity - 2] == 20);
        BOOST_TEST(rest[capacity - 1] == 30);
    }
}

BOOST_AUTO_TEST_CASE(a_batch_is_not_taken_in_after_close)
{
    simulation s(1);
    weir::channel<std::unique_ptr<int>> channel(s.a.get_executor(), 4);
    std::vector<std::unique_ptr<int>> values(2);
    values[0] = std::make_unique<int>(7);
    channel.close();
    BOOST_TEST(channel.try_send_n(values) == 0U);
    BOOST_REQUIRE(values[0]);
    BOOST_TEST(channel.is_ended());
}

BOOST_AUTO_TEST_CASE(a_batch_wakes_a_receiver_for_each_value)
{
    in_many_orders([](simulation& s) {
        for (const std::size_t capacity : {0, 3, 4}) {
            ints channel(s.a.get_executor(), capacity);
            std::vector<int> got;
            for (int i = 0; i < 3; ++i)
                s.spawn(i % 2 == 0 ? s.a : s.b, [&]() -> asio::awaitable<void> {
                    const auto value = co_await channel.async_receive();
                    got.push_back(value.value());
                });
            s.world.run();
            std::vector<int> values = {1, 2, 3};
            // Without a buffer, one value is on its way from hand to hand at a time.
            for (std::size_t sent = 0; sent < 3;) {
                const std::size_t count = channel.try_send_n(std::span(values).subspan(sent));
                BOOST_TEST(count == (capacity == 0 ? 1U : 3U));
                sent += count;
                s.world.run();
            }
            s.run();
            std::sort(got.begin(), got.end());
            BOOST_TEST(got == values, boost::test_tools::per_element());
            BOOST_TEST(channel.try_send_n(values) == std::min<std::size_t>(capacity, 3));
        }
    });
}

BOOST_AUTO_TEST_CASE(a_batch_that_has_no_room_makes_it_where_the_rule_is_to_drop)
{
    simulation s(1);
    for (const auto rule :
         {weir::overflow::reject, weir::overflow::drop_oldest, weir::overflow::drop_newest}) {
        std::vector<int> lost;
        ints channel(s.a.get_executor(), 2, rule, [&lost](int&& v) { lost.push_back(v); });
        std::vector<int> values = {1, 2, 3, 4};
        const std::size_t sent = channel.try_send_n(values);
        const std::vector<int> rest = all_of(channel);
        const bool keeps_the_first = rule != weir::overflow::drop_oldest;
        BOOST_TEST(sent == (rule == weir::overflow::reject ? 2U : 4U));
        BOOST_TEST(rest == (keeps_the_first ? std::vector<int>{1, 2} : std::vector<int>{3, 4}),
                   boost::test_tools::per_element());
        if (rule != weir::overflow::reject)
            BOOST_TEST(lost == (keeps_the_first ? std::vector<int>{3, 4} : std::vector<int>{1, 2}),
                       boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(several_are_received_at_once_and_the_end_is_zero)
{
    for (const std::size_t capacity : {0, 1, 3, 8})
        in_many_orders(
            [capacity](simulation& s) {
                ints channel(s.a.get_executor(), capacity);
                std::vector<int> got;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    for (int i = 0; i < 20; ++i)
                        BOOST_TEST(bool(co_await channel.async_send(i)));
                    channel.close();
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> {
                    for (;;) {
                        const std::size_t before = got.size();
                        const std::size_t n = co_await channel.async_receive_some(got, 3);
                        BOOST_TEST(n == got.size() - before);
                        BOOST_TEST(n <= 3U);
                        if (n == 0)
                            break;
                    }
                });
                s.run();
                BOOST_REQUIRE(got.size() == 20U);
                for (int i = 0; i < 20; ++i)
                    BOOST_TEST(got[static_cast<std::size_t>(i)] == i);
            },
            60);
}

BOOST_AUTO_TEST_SUITE_END()
