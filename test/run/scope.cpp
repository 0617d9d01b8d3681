#include <weir/run/scope.hpp>

#include <weir/time/wait.hpp>

#include "support/simulation.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::cancel_reason;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(scope)

asio::awaitable<void> sleep_then(weir::duration length, int& count)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length);
    ++count;
}

asio::awaitable<void> fail_after(weir::duration length, std::string what)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length);
    throw std::runtime_error(what);
}

asio::awaitable<std::string> joined(weir::scope& children)
{
    try {
        co_await children.join();
    } catch (const std::runtime_error& e) {
        co_return e.what();
    }
    co_return "";
}

BOOST_AUTO_TEST_CASE(join_waits_for_every_child)
{
    in_many_orders([](simulation& s) {
        int count = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor());
            for (int i = 1; i <= 5; ++i)
                children.spawn(sleep_then(i * 1s, count));
            co_await children.join();
            BOOST_TEST(count == 5);
            BOOST_TEST(children.running() == 0U);
            co_await children.join(); // nothing left: at once
        });
        s.run();
        BOOST_TEST((s.elapsed() == 5s));
    });
}

BOOST_AUTO_TEST_CASE(the_first_error_is_told_and_not_those_it_caused)
{
    in_many_orders([](simulation& s) {
        int count = 0;
        std::string error;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor());
            children.spawn(sleep_then(1h, count));
            children.spawn(fail_after(2s, "second"));
            children.spawn(fail_after(1s, "first"));
            error = co_await joined(children);
            BOOST_TEST((children.reason() == cancel_reason::sibling_failed));
        });
        s.run();
        BOOST_TEST(error == "first");
        BOOST_TEST(count == 0);
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(a_child_cancelled_before_it_started_still_ends)
{
    in_many_orders([](simulation& s) {
        int count = 0;
        weir::error_code code;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor());
            children.spawn(sleep_then(1h, count));
            children.cancel();
            children.spawn(sleep_then(1h, count)); // and one spawned afterwards
            try {
                co_await children.join();
            } catch (const weir::system_error& e) {
                code = e.code();
            }
        });
        s.run();
        BOOST_TEST(code == asio::error::operation_aborted);
        BOOST_TEST(count == 0);
        BOOST_TEST((s.elapsed() == 0s));
    });
}

asio::awaitable<void> slow_to_end(bool& ended)
{
    const auto executor = co_await asio::this_coro::executor;
    try {
        co_await weir::async_sleep_for(executor, 1h);
    } catch (const weir::system_error&) {
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await weir::async_sleep_for(executor, 5s); // clean-up that takes its time
    ended = true;
}

BOOST_AUTO_TEST_CASE(cancelling_who_joins_cancels_the_children_and_waits_for_them)
{
    in_many_orders([](simulation& s) {
        bool ended = false;
        bool joined_after = false;
        asio::cancellation_signal signal;
        const auto parent = [&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor());
            children.spawn(slow_to_end(ended));
            co_await children.join();
            joined_after = ended;
        };
        asio::co_spawn(s.a.get_executor(), parent,
                       asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
        const weir::alarm later(s.a.get_executor(), weir::now(s.a.get_executor()) + 1s,
                                [&] { signal.emit(asio::cancellation_type::terminal); });
        s.run();
        BOOST_TEST(joined_after);
        BOOST_TEST((s.elapsed() == 6s));
    });
}

BOOST_AUTO_TEST_CASE(a_scope_destroyed_with_its_context_leaves_nothing_behind)
{
    auto held = std::make_shared<int>(0);
    {
        weir::sim::world w(1);
        weir::sim::context c(w);
        const auto parent = [&c, held]() -> asio::awaitable<void> {
            weir::scope children(c.get_executor());
            for (int i = 0; i < 3; ++i)
                children.spawn(sleep_then(1h, *held));
            co_await children.join();
        };
        asio::co_spawn(c.get_executor(), parent, [](std::exception_ptr) {});
        while (w.run_one() && w.now() == weir::time_point{}) {
        }
        // destroyed in the middle: the world has jumped, the children have not ended yet
    }
    BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
