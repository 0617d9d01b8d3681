#include <weir/time/alarm.hpp>

#include "support/simulation.hpp"

#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(wait)

BOOST_AUTO_TEST_CASE(an_alarm_rings_once_at_its_time)
{
    simulation s(1);
    int rung = 0;
    const weir::alarm a(s.a.get_executor(), weir::time_point{} + 5s, [&] { ++rung; });
    s.run();
    BOOST_TEST(rung == 1);
    BOOST_TEST((s.elapsed() == 5s));
}

BOOST_AUTO_TEST_CASE(an_alarm_that_is_gone_never_rings_even_when_its_time_had_come)
{
    in_many_orders([](simulation& s) {
        int rung = 0;
        auto a = std::make_unique<weir::alarm>(s.a.get_executor(), weir::time_point{} + 1s,
                                               [&] { ++rung; });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            const int before = rung; // both are due now; whichever comes first
            a.reset();
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            BOOST_TEST(rung == before);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(an_alarm_may_be_set_anew_from_within)
{
    simulation s(1);
    int rung = 0;
    weir::alarm a;
    std::function<void()> ring = [&] {
        if (++rung < 3)
            a = weir::alarm(s.a.get_executor(), s.world.now() + 1s, ring);
    };
    a = weir::alarm(s.a.get_executor(), s.world.now() + 1s, ring);
    s.run();
    BOOST_TEST(rung == 3);
    BOOST_TEST((s.elapsed() == 3s));
}

BOOST_AUTO_TEST_CASE(an_alarm_may_outlive_its_context)
{
    weir::alarm a;
    {
        asio::io_context io;
        a = weir::alarm(io.get_executor(), weir::now(io.get_executor()) + 1h,
                        [] { BOOST_ERROR("rung"); });
        io.poll();
    }
    a.cancel();
}

BOOST_AUTO_TEST_CASE(what_an_alarms_function_holds_goes_with_the_context)
{
    const auto held = std::make_shared<int>();
    weir::alarm a;
    {
        asio::io_context io;
        a = weir::alarm(io.get_executor(), weir::now(io.get_executor()) + 1h,
                        [held] { BOOST_ERROR("rung"); });
        io.poll();
        BOOST_TEST(held.use_count() == 2);
    }
    BOOST_TEST(held.use_count() == 1); // though the alarm is still there
}

BOOST_AUTO_TEST_SUITE_END()
