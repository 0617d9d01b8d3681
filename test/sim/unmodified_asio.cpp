// What Asio has runs in a simulation as it is.
#include <weir/sim/context.hpp>
#include <weir/sim/explore.hpp>
#include <weir/sim/world.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <exception>
#include <set>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_every_order;
using weir::test::in_many_orders;
using weir::test::simulation;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

template <class Channel>
void pass_values(simulation& s)
{
    Channel channel(s.a.get_executor(), 1);
    std::vector<int> got;
    s.spawn(s.a, [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 5; ++i)
            co_await channel.async_send(boost::system::error_code(), i, asio::use_awaitable);
    });
    s.spawn(s.b, [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 5; ++i)
            got.push_back(co_await channel.async_receive(asio::use_awaitable));
    });
    s.run();
    BOOST_REQUIRE((got == std::vector<int>{0, 1, 2, 3, 4}));
}

asio::awaitable<int> after(weir::duration length, int value)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length);
    co_return value;
}

} // namespace

BOOST_AUTO_TEST_SUITE(unmodified_asio)

BOOST_AUTO_TEST_CASE(channels)
{
    using signature = void(boost::system::error_code, int);
    in_many_orders(pass_values<asio::experimental::channel<signature>>);
    in_many_orders(pass_values<asio::experimental::concurrent_channel<signature>>);
}

BOOST_AUTO_TEST_CASE(parallel_groups)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto e = co_await asio::this_coro::executor;
            auto group = asio::experimental::make_parallel_group(
                weir::async_sleep_for(e, 2s, asio::deferred),
                weir::async_sleep_for(e, 1s, asio::deferred));
            auto result = co_await group.async_wait(asio::experimental::wait_for_one(), quietly);
            BOOST_TEST(std::get<0>(result)[0] == 1U); // the shorter was first
            BOOST_TEST(std::get<1>(result) == asio::error::operation_aborted);
            BOOST_TEST(!std::get<2>(result));
        });
        s.run();
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(awaitable_operators)
{
    using namespace asio::experimental::awaitable_operators;
    std::set<std::size_t> first;
    in_many_orders([&](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto both = co_await (after(1s, 1) && after(2s, 2));
            BOOST_TEST(std::get<0>(both) + std::get<1>(both) == 3);
            const auto either = co_await (after(1s, 1) || after(1s, 2));
            first.insert(either.index());
        });
        s.run();
        BOOST_TEST((s.elapsed() == 3s));
    });
    BOOST_TEST(first.size() == 2U); // at the same time: in either order
}

BOOST_AUTO_TEST_CASE(strands_keep_their_order_and_run_one_at_a_time)
{
    std::set<std::string> orders;
    in_every_order([&](simulation& s) {
        auto strand = asio::make_strand(s.a.get_executor());
        std::string order;
        for (const char name : {'1', '2', '3'})
            asio::post(strand, [&order, name] { order += name; });
        asio::post(s.a.get_executor(), [&order] { order += '-'; });
        s.run();
        orders.insert(order);
    });
    BOOST_TEST(orders.count("123-") == 1U);
    BOOST_TEST(orders.count("-123") == 1U);
    for (const std::string& order : orders)
        BOOST_TEST(order.find('1') < order.find('3'));
}

BOOST_AUTO_TEST_CASE(coroutines_are_spawned_cancelled_and_awaited)
{
    in_every_order([](simulation& s) {
        asio::cancellation_signal signal;
        bool cancelled = false;
        bool ended = false;
        const auto sleeper = [&]() -> asio::awaitable<void> {
            try {
                co_await after(1h, 1);
            } catch (const boost::system::system_error& e) {
                cancelled = e.code() == asio::error::operation_aborted;
            }
        };
        asio::co_spawn(
            s.a.get_executor(), sleeper,
            asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) { ended = true; }));
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await after(1min, 1);
            signal.emit(asio::cancellation_type::terminal);
        });
        s.run();
        BOOST_REQUIRE(cancelled);
        BOOST_REQUIRE(ended);
        BOOST_REQUIRE((s.elapsed() == 1min));
    });
}

BOOST_AUTO_TEST_CASE(a_coroutine_awaits_one_of_another_context)
{
    in_many_orders([](simulation& s) {
        int got = 0;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            got = co_await asio::co_spawn(s.b.get_executor(), after(1s, 7), asio::use_awaitable);
            BOOST_TEST(s.world.running() == &s.a);
        });
        s.run();
        BOOST_TEST(got == 7);
    });
}

BOOST_AUTO_TEST_CASE(dispatch_runs_inside_and_post_and_defer_do_not)
{
    simulation s(1);
    std::string order;
    asio::post(s.a.get_executor(), [&] {
        asio::dispatch(s.a.get_executor(), [&] { order += "dispatched "; });
        asio::post(s.a.get_executor(), [&] { order += "posted "; });
        asio::defer(s.a.get_executor(), [&] { order += "deferred "; });
        asio::dispatch(s.b.get_executor(), [&] { order += "elsewhere "; });
        order += "inside ";
    });
    s.run();
    BOOST_TEST(order.find("dispatched inside ") == 0U);
    BOOST_TEST(order.size() == std::string("dispatched inside posted deferred elsewhere ").size());
}

BOOST_AUTO_TEST_CASE(a_work_guard_is_work)
{
    simulation s(1);
    {
        const auto guard = asio::make_work_guard(s.a.get_executor());
        BOOST_TEST(s.world.outstanding() == 1U);
        BOOST_CHECK_THROW(s.world.run_to_end(), weir::sim::deadlock);
    }
    s.run();
}

BOOST_AUTO_TEST_SUITE_END()
