#include <weir/sync/channel.hpp>

#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <tuple>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(channel)

using ints = weir::channel<int>;

BOOST_AUTO_TEST_CASE(a_receive_past_its_deadline_takes_no_value)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 1);
        int received = 0, timed_out = 0;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            for (;;) {
                const auto at = weir::now(s.a.get_executor()) + 1s;
                auto receive = channel.async_receive_until(at, asio::as_tuple(asio::use_awaitable));
                const auto result = co_await std::move(receive);
                if (std::get<0>(result))
                    BOOST_TEST((std::get<0>(result) == weir::errc::timed_out));
                else if (!std::get<1>(result))
                    break;
                ++(std::get<0>(result) ? timed_out : received);
            }
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 5; ++i) { // at the very moment of a deadline
                co_await weir::async_sleep_for(s.b.get_executor(), 2s);
                BOOST_TEST(bool(channel.try_send(1)));
            }
            channel.close();
        });
        s.run();
        BOOST_TEST(received == 5); // none went to a receive that had given up
        BOOST_TEST(timed_out >= 5);
    });
}

BOOST_AUTO_TEST_CASE(a_send_past_its_deadline_hands_the_value_back)
{
    in_many_orders([](simulation& s) {
        ints channel(s.a.get_executor(), 1);
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(co_await channel.async_send(1)));
            const auto at = weir::now(s.a.get_executor()) + 1s;
            const auto late = co_await channel.async_send_until(at, 2);
            BOOST_TEST((late.error() == weir::errc::timed_out));
            BOOST_TEST(channel.waiting_senders() == 0U);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 1s));
        BOOST_TEST(channel.sent() == 1U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
