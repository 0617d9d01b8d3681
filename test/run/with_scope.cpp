#include <weir/run/scope.hpp>

#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "scope_children.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;

BOOST_AUTO_TEST_SUITE(scope)

BOOST_AUTO_TEST_CASE(with_scope_returns_when_its_children_have_ended_too)
{
    in_many_orders([](simulation& s) {
        int count = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto body = [&count](weir::scope& children) -> asio::awaitable<int> {
                for (int i = 1; i <= 3; ++i)
                    children.spawn(sleep_then(i * 1s, count));
                co_return 7;
            };
            const int value = co_await weir::with_scope(body);
            BOOST_TEST(value == 7);
            BOOST_TEST(count == 3);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 3s));
    });
}

BOOST_AUTO_TEST_CASE(with_scope_joins_though_its_body_throws)
{
    in_many_orders([](simulation& s) {
        bool ended = false;
        std::string error;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto body = [&ended](weir::scope& children) -> asio::awaitable<void> {
                children.spawn(slow_to_end(ended));
                co_await fail_after(1s, "the body");
            };
            try {
                co_await weir::with_scope(body);
            } catch (const std::runtime_error& e) {
                error = e.what();
                BOOST_TEST(ended);
            }
        });
        s.run();
        BOOST_TEST(error == "the body");
        BOOST_TEST((s.elapsed() == 6s));
    });
}

BOOST_AUTO_TEST_CASE(a_child_that_fails_cancels_the_body_of_with_scope)
{
    in_many_orders([](simulation& s) {
        std::string error;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto body = [&s](weir::scope& children) -> asio::awaitable<void> {
                children.spawn(fail_after(1s, "the child"));
                co_await weir::async_sleep_for(s.a.get_executor(), 1h);
            };
            try {
                co_await weir::with_scope(body);
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
        });
        s.run();
        BOOST_TEST(error == "the child");
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(cancelling_with_scope_cancels_body_and_children_and_waits_for_them)
{
    in_many_orders([](simulation& s) {
        bool ended = false;
        bool joined_after = false;
        asio::cancellation_signal signal;
        const auto body = [&](weir::scope& children) -> asio::awaitable<void> {
            children.spawn(slow_to_end(ended));
            co_await weir::async_sleep_for(s.a.get_executor(), 1h);
        };
        const auto parent = [&]() -> asio::awaitable<void> {
            try {
                co_await weir::with_scope(body);
            } catch (const weir::system_error& e) {
                BOOST_TEST(e.code() == asio::error::operation_aborted);
            }
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

BOOST_AUTO_TEST_CASE(a_token_cancels_body_and_children_of_with_scope)
{
    in_many_orders([](simulation& s) {
        weir::cancel_source source;
        int here = 0, elsewhere = 0;
        weir::error_code code;
        cancel_reason reason{};
        s.spawn([&]() -> asio::awaitable<void> {
            const auto body = [&](weir::scope& children) -> asio::awaitable<void> {
                children.spawn(note_where_cancelled(s, here, elsewhere));
                try {
                    co_await note_where_cancelled(s, here, elsewhere);
                } catch (...) {
                    reason = children.reason();
                    throw;
                }
            };
            try {
                co_await weir::with_scope(body, source.token());
            } catch (const weir::system_error& e) {
                code = e.code();
            }
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.b.get_executor(), 1s);
            source.cancel(cancel_reason::deadline);
        });
        s.run();
        BOOST_TEST(here == 2);
        BOOST_TEST(elsewhere == 0);
        BOOST_TEST(code == asio::error::operation_aborted);
        BOOST_TEST((reason == cancel_reason::deadline));
        BOOST_TEST((s.elapsed() == 1s));
    });
}

// What `scope` says of itself: why there is `with_scope`.
BOOST_AUTO_TEST_CASE(after_a_swallowed_cancellation_join_throws_at_once_but_with_scope_has_waited)
{
    in_many_orders([](simulation& s) {
        asio::cancellation_signal signal;
        bool ended_late = false, ended_in_time = false;
        bool joined = false, left = false;
        const auto parent = [&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor());
            children.spawn(slow_to_end(ended_late));
            int ignored = 0;
            try {
                co_await sleep_then(1h, ignored); // cancelled here
            } catch (const weir::system_error&) {
            }
            co_await children.join();
            joined = true;
        };
        const auto scoped = [&]() -> asio::awaitable<void> {
            const auto body = [&](weir::scope& children) -> asio::awaitable<void> {
                children.spawn(slow_to_end(ended_in_time));
                int ignored = 0;
                try {
                    co_await sleep_then(1h, ignored);
                } catch (const weir::system_error&) {
                }
            };
            co_await weir::with_scope(body);
        };
        asio::cancellation_signal other;
        asio::co_spawn(s.a.get_executor(), parent,
                       asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) {
                           BOOST_TEST(!joined);
                           BOOST_TEST(!ended_late);
                       }));
        asio::co_spawn(s.a.get_executor(), scoped,
                       asio::bind_cancellation_slot(other.slot(), [&](std::exception_ptr) {
                           left = true;
                           BOOST_TEST(ended_in_time);
                       }));
        const weir::alarm later(s.a.get_executor(), weir::now(s.a.get_executor()) + 1s, [&] {
            signal.emit(asio::cancellation_type::terminal);
            other.emit(asio::cancellation_type::terminal);
        });
        s.run();
        BOOST_TEST(left);
        BOOST_TEST(ended_late); // by itself
        BOOST_TEST((s.elapsed() == 6s));
    });
}

BOOST_AUTO_TEST_SUITE_END()
