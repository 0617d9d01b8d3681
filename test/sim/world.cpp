#include <weir/sim/world.hpp>

#include <weir/sync/channel.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(world)

BOOST_AUTO_TEST_CASE(a_year_of_virtual_time_takes_no_time)
{
    weir::test::simulation s(1);
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 365 * 24h);
    });
    s.run();
    BOOST_TEST((s.elapsed() == 365 * 24h));
}

std::string order_of(std::uint64_t seed)
{
    std::string order;
    weir::test::simulation s(seed);
    for (char name : {'a', 'b', 'c', 'd'})
        asio::post(s.a.get_executor(), [&order, name] { order += name; });
    s.world.run();
    return order;
}

BOOST_AUTO_TEST_CASE(a_seed_chooses_the_order_and_the_same_seed_the_same_order)
{
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        orders.insert(order_of(seed));
        BOOST_TEST(order_of(seed) == order_of(seed));
    }
    BOOST_TEST(orders.size() == 24U); // every order of four
}

BOOST_AUTO_TEST_CASE(a_waiter_that_never_wakes_counts_as_outstanding)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    weir::channel<int> never(c.get_executor(), 1);
    bool resumed = false;
    const auto wait = [&]() -> asio::awaitable<void> {
        co_await never.async_receive();
        resumed = true;
    };
    asio::co_spawn(c.get_executor(), wait, [](std::exception_ptr) {});
    w.run();
    BOOST_TEST(!resumed);
    BOOST_TEST(w.outstanding() > 0U);
}

void go_round(weir::sim::context& c)
{
    asio::post(c.get_executor(), [&c] { go_round(c); });
}

BOOST_AUTO_TEST_CASE(going_round_in_a_circle_is_a_livelock)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    go_round(c);
    BOOST_CHECK_THROW(w.run(), weir::sim::livelock);
}

BOOST_AUTO_TEST_CASE(what_a_handler_throws_leaves_run)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    asio::post(c.get_executor(), [] { throw std::runtime_error("no"); });
    BOOST_CHECK_THROW(w.run(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(two_contexts_share_one_clock)
{
    weir::test::simulation s(3);
    weir::time_point seen[2];
    s.spawn(s.a, [&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 1h);
        seen[0] = weir::now(s.b.get_executor());
    });
    s.spawn(s.b, [&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.b.get_executor(), 1h);
        seen[1] = weir::now(s.a.get_executor());
    });
    s.run();
    BOOST_TEST((seen[0] == seen[1]));
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_first_drops_what_is_queued_and_what_waits)
{
    weir::sim::world w(1);
    auto counted = std::make_shared<int>(0);
    auto c = std::make_unique<weir::sim::context>(w);
    asio::post(c->get_executor(), [counted] { ++*counted; });
    weir::async_sleep_for(c->get_executor(), 1h, [counted](weir::error_code) { ++*counted; });
    c.reset();
    BOOST_TEST(counted.use_count() == 1);
    w.run();
    BOOST_TEST(*counted == 0);
}

BOOST_AUTO_TEST_CASE(the_clock_cannot_be_installed_late)
{
    asio::io_context io;
    BOOST_TEST((weir::now(io.get_executor()) > weir::time_point{}));
    auto& context = static_cast<asio::execution_context&>(io);
    BOOST_CHECK_THROW(asio::make_service<weir::detail::time_service>(context),
                      asio::service_already_exists);
}

BOOST_AUTO_TEST_SUITE_END()
