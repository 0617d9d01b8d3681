#include <weir/sync/channel.hpp>

#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(channel)

using ints = weir::channel<int>;

BOOST_AUTO_TEST_CASE(a_reserved_place_is_kept_from_the_others)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 2);
    auto place = channel.try_reserve();
    BOOST_TEST(bool(place));
    BOOST_TEST(bool(channel.try_send(1)));
    BOOST_TEST((channel.try_send(2).error() == weir::errc::full));
    BOOST_TEST(!channel.try_reserve());
    place.send(3);
    BOOST_TEST(!place);
    BOOST_TEST((channel.try_send(4).error() == weir::errc::full));
    BOOST_TEST(channel.try_receive().value() == 1);
    BOOST_TEST(channel.try_receive().value() == 3);
    place = channel.try_reserve();
    place.release();
    BOOST_TEST(bool(channel.try_send(5)));
    BOOST_TEST(bool(channel.try_send(6)));
}

BOOST_AUTO_TEST_CASE(a_reservation_made_before_close_may_still_send_and_the_end_waits_for_it)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 1);
        std::vector<int> got;
        bool ended = false;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            auto place = co_await channel.async_reserve();
            channel.close();
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            BOOST_TEST(!ended);
            BOOST_TEST(!channel.is_ended());
            place.send(7);
        });
        for (int i = 0; i < 2; ++i)
            s.spawn(s.b, [&]() -> asio::awaitable<void> {
                while (auto value = co_await channel.async_receive())
                    got.push_back(*value);
                ended = true;
            });
        s.run();
        BOOST_TEST(ended);
        BOOST_TEST((got == std::vector<int>{7} || got.empty())); // closed before it was reserved
        BOOST_TEST(channel.sent() == got.size());
    });
}

BOOST_AUTO_TEST_CASE(the_end_comes_when_a_reservation_is_given_back_after_close)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 3);
        auto place = channel.try_reserve();
        channel.close();
        BOOST_TEST(!channel.try_reserve());
        bool ended = false;
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            BOOST_TEST(!(co_await channel.async_receive()).has_value());
            ended = true;
        });
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            BOOST_TEST(!ended);
            place.release();
        });
        s.run();
        BOOST_TEST(ended);
    });
}

BOOST_AUTO_TEST_CASE(reserving_waits_in_line_with_sending)
{
    for (const std::size_t capacity : {1, 2, 3})
        in_many_orders([capacity](simulation& s) {
            ints channel(s.a.get_executor(), capacity);
            std::vector<int> got;
            int senders = 4;
            const auto over = [&] {
                if (--senders == 0)
                    channel.close();
            };
            for (int sender = 0; sender < 4; ++sender)
                s.spawn(sender % 2 == 0 ? s.a : s.b, [&, sender]() -> asio::awaitable<void> {
                    for (int i = 0; i < 5; ++i) {
                        if (sender < 2) {
                            auto place = co_await channel.async_reserve();
                            if (i == 3)
                                continue; // given back
                            co_await weir::async_sleep_for(s.a.get_executor(), 1ms);
                            place.send(10 * sender + i);
                        } else {
                            BOOST_TEST(bool(co_await channel.async_send(10 * sender + i)));
                        }
                        BOOST_TEST(channel.size() <= capacity);
                    }
                    over();
                });
            s.spawn(s.b, [&]() -> asio::awaitable<void> {
                while (auto value = co_await channel.async_receive())
                    got.push_back(*value);
            });
            s.run();
            BOOST_TEST(got.size() == 18U);
            for (int sender = 0; sender < 4; ++sender) { // each sender's own order
                int last = -1;
                for (const int value : got)
                    if (value / 10 == sender) {
                        BOOST_TEST(value > last);
                        last = value;
                    }
            }
        });
}

// Every place is reserved: a reservation has to wait.
struct all_reserved {
    explicit all_reserved(asio::any_io_executor executor)
        : channel(std::make_unique<ints>(executor, 1)), place(channel->try_reserve())
    {
    }
    template <class Handler>
    void begin(Handler handler)
    {
        channel->async_reserve(std::move(handler));
    }

    std::unique_ptr<ints> channel;
    ints::reservation place;
};

const auto start_reserve = [](asio::any_io_executor executor) { return all_reserved(executor); };
const auto finish_reserve = [](all_reserved& r) { r.place.release(); };

BOOST_AUTO_TEST_CASE(a_reserve_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start_reserve, finish_reserve);
}

BOOST_AUTO_TEST_CASE(a_reserve_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start_reserve, finish_reserve);
}

BOOST_AUTO_TEST_CASE(a_cancelled_reserve_reserves_nothing)
{
    weir::test::ends_when_cancelled(start_reserve,
                                    [](weir::error_code error, const ints::reservation& place) {
                                        BOOST_TEST(error == asio::error::operation_aborted);
                                        BOOST_TEST(!place);
                                    });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean_for_a_waiting_reserve)
{
    weir::test::any_order_of_destruction_is_clean(start_reserve);
}

BOOST_AUTO_TEST_CASE(a_place_whose_receiver_is_destroyed_goes_to_the_next)
{
    weir::sim::world w(1);
    auto c = std::make_unique<weir::sim::context>(w);
    weir::sim::context other(w);
    ints channel(other.get_executor(), 1);
    auto place = channel.try_reserve();
    channel.async_reserve(asio::bind_executor(
        c->get_executor(), [](weir::error_code, ints::reservation) { BOOST_ERROR("resumed"); }));
    bool sent = false;
    channel.async_send(1, [&](weir::send_result<int> result) { sent = bool(result); });
    place.release(); // its wake-up is under way
    c.reset();
    w.run();
    BOOST_TEST(sent);
}

BOOST_AUTO_TEST_CASE(what_a_reservation_sends_after_its_channel_is_gone_goes_to_the_hook)
{
    simulation s(1);
    std::vector<int> lost;
    auto channel =
        std::make_unique<ints>(s.a.get_executor(), 1, [&](int&& v) { lost.push_back(v); });
    auto place = channel->try_reserve();
    channel.reset();
    place.send(1);
    BOOST_TEST((lost == std::vector<int>{1}));
}

BOOST_AUTO_TEST_CASE(there_is_nothing_to_reserve_where_there_are_no_places)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 0);
    BOOST_TEST(!channel.try_reserve());
    weir::error_code code;
    channel.async_reserve([&](weir::error_code e, ints::reservation) { code = e; });
    s.world.run();
    BOOST_TEST((code == weir::errc::no_capacity));
}

BOOST_AUTO_TEST_CASE(a_place_is_used_or_given_back_once)
{
    simulation s(1);
    ints channel(s.a.get_executor(), 2);
    auto kept = channel.try_reserve();
    {
        auto place = channel.try_reserve();
        place.release();
        place.release(); // nothing any more
    }
    BOOST_TEST(bool(channel.try_send(1)));
    BOOST_REQUIRE(!channel.try_send(2)); // the other place is still kept
    BOOST_TEST(channel.try_receive().value() == 1);
    {
        auto place = channel.try_reserve();
        place.send(3);
    }
    BOOST_REQUIRE(!channel.try_send(4));
    BOOST_TEST(channel.try_receive().value() == 3);
    {
        auto place = channel.try_reserve();
        place = ints::reservation(); // gives it back
        BOOST_TEST(bool(channel.try_send(5)));
    }
    BOOST_REQUIRE(!channel.try_send(6));
    kept.send(7);
    BOOST_TEST(channel.try_receive().value() == 5);
    BOOST_TEST(channel.try_receive().value() == 7);
    BOOST_TEST(bool(channel.try_send(8)));
    BOOST_TEST(bool(channel.try_send(9)));
    BOOST_TEST(!channel.try_send(10));
}

BOOST_AUTO_TEST_SUITE_END()
