#include <weir/run/scope.hpp>

#include <weir/time/sleep.hpp>

#include "scope_children.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;

BOOST_AUTO_TEST_SUITE(scope)

BOOST_AUTO_TEST_CASE(a_source_fired_elsewhere_cancels_the_children_for_its_reason)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source source;
        int here = 0, elsewhere = 0;
        weir::error_code code;
        cancel_reason reason{};
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor(), source.token());
            for (int i = 0; i < 3; ++i)
                children.spawn(note_where_cancelled(s, here, elsewhere));
            co_await join_and_keep(children, code);
            reason = children.reason();
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.b.get_executor(), 1s);
            source.cancel(cancel_reason::shutdown);
        });
        s.run();
        BOOST_TEST(here == 3);
        BOOST_TEST(elsewhere == 0);
        BOOST_TEST(code == asio::error::operation_aborted);
        BOOST_TEST((reason == cancel_reason::shutdown));
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(a_source_fired_at_any_step_leaves_no_child_behind)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source source;
        int count = 0;
        weir::error_code code;
        cancel_reason reason{};
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor(), source.token());
            for (int i = 0; i < 3; ++i)
                children.spawn(sleep_then(i * 1s, count));
            co_await join_and_keep(children, code);
            reason = children.reason();
            BOOST_TEST(children.running() == 0U);
        });
        s.world.at_some_step([&] { source.cancel(cancel_reason::deadline); });
        s.run();
        if (code) {
            BOOST_TEST(code == asio::error::operation_aborted);
            BOOST_TEST((reason == cancel_reason::deadline));
        } else {
            BOOST_TEST(count == 3);
        }
    });
}

BOOST_AUTO_TEST_CASE(no_child_begins_once_its_token_is_cancelled)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source before, between;
        int begun = 0;
        const auto child = [&begun]() -> asio::awaitable<void> {
            ++begun;
            co_return;
        };
        s.spawn([&]() -> asio::awaitable<void> {
            before.cancel(cancel_reason::overload);
            weir::scope late(s.a.get_executor(), before.token());
            weir::scope early(s.a.get_executor(), between.token());
            between.cancel(cancel_reason::shutdown); // and the emission has not come yet
            late.spawn(child);
            early.spawn(child);
            weir::error_code codes[2];
            co_await join_and_keep(late, codes[0]);
            co_await join_and_keep(early, codes[1]);
            BOOST_TEST(codes[0] == asio::error::operation_aborted);
            BOOST_TEST(codes[1] == asio::error::operation_aborted);
            BOOST_TEST((late.reason() == cancel_reason::overload));
            BOOST_TEST((early.reason() == cancel_reason::shutdown));
        });
        s.run();
        BOOST_TEST(begun == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_token_that_comes_after_a_failure_changes_no_reason)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source source;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor(), source.token());
            children.spawn(fail_after(1s, "first"));
            const std::string error = co_await joined(children);
            BOOST_TEST(error == "first");
            source.cancel();
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            BOOST_TEST((children.reason() == cancel_reason::none ||
                        children.reason() == cancel_reason::sibling_failed));
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_scope_that_is_gone_hears_its_token_no_more)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source source;
        bool ended = false;
        s.spawn([&]() -> asio::awaitable<void> {
            {
                weir::scope children(s.a.get_executor(), source.token());
                source.cancel(); // on its way
            }
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            ended = true;
        });
        s.run();
        BOOST_TEST(ended);
    });
}

BOOST_AUTO_TEST_CASE(a_scope_with_a_token_that_goes_with_its_context_leaves_nothing_behind)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        auto held = std::make_shared<int>(0);
        weir::cancel_source source;
        {
            weir::sim::world w(seed);
            weir::sim::context c(w);
            const auto parent = [&c, &source, held]() -> asio::awaitable<void> {
                weir::scope children(c.get_executor(), source.token());
                for (int i = 0; i < 3; ++i)
                    children.spawn(sleep_then(1h, *held));
                co_await children.join();
            };
            asio::co_spawn(c.get_executor(), parent, [](std::exception_ptr) {});
            for (std::uint64_t step = 0; step < seed % 10; ++step)
                w.run_one();
            if (seed % 2 == 0)
                source.cancel();
            if (seed % 3 == 0)
                w.run_one();
        }
        BOOST_TEST(held.use_count() == 1);
        source.cancel(); // with nothing left to cancel
    }
}

BOOST_AUTO_TEST_SUITE_END()
