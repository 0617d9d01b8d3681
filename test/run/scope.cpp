#include <weir/run/scope.hpp>

#include <weir/time/wait.hpp>

#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

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

BOOST_AUTO_TEST_CASE(a_callable_that_was_spawned_lives_until_its_coroutine_has_ended)
{
    in_many_orders([](simulation& s) {
        auto held = std::make_shared<int>(7);
        const std::weak_ptr<int> watched = held;
        int seen = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor());
            {
                const auto work = [mine = std::move(held), &seen, &s]() -> asio::awaitable<void> {
                    co_await weir::async_sleep_for(s.a.get_executor(), 1s);
                    seen = *mine;
                };
                children.spawn(work);
            }
            BOOST_TEST(!watched.expired());
            co_await children.join();
            BOOST_TEST(watched.expired());
        });
        s.run();
        BOOST_TEST(seen == 7);
    });
}

// ---- collecting errors

BOOST_AUTO_TEST_CASE(a_scope_that_collects_errors_cancels_nobody_and_tells_them_all)
{
    in_many_orders([](simulation& s) {
        int count = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor(), weir::error_rule::collect);
            children.spawn(sleep_then(1h, count));
            children.spawn(fail_after(2s, "second"));
            children.spawn(fail_after(1s, "first"));
            std::vector<std::string> told;
            try {
                co_await children.join();
            } catch (const weir::scope_errors& e) {
                for (const std::exception_ptr& error : e.errors())
                    try {
                        std::rethrow_exception(error);
                    } catch (const std::runtime_error& each) {
                        told.push_back(each.what());
                    }
            }
            BOOST_REQUIRE(told.size() == 2U);
            BOOST_TEST(told[0] == "first");
            BOOST_TEST(told[1] == "second");
            BOOST_TEST(!children.cancelled());
        });
        s.run();
        BOOST_TEST(count == 1);
    });
}

// ---- with_scope

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

asio::awaitable<void> join_and_keep(weir::scope& children, weir::error_code& code)
{
    try {
        co_await children.join();
    } catch (const weir::system_error& e) {
        code = e.code();
    }
}

// Spawned from outside, before anybody runs the executor, a child begins later; and until then it
// must not be emitted to.
BOOST_AUTO_TEST_CASE(a_child_cancelled_before_its_executor_ran_it_still_ends)
{
    in_many_orders([](simulation& s) {
        int count = 0;
        weir::error_code code;
        weir::scope children(s.a.get_executor());
        children.spawn(sleep_then(1h, count));
        BOOST_TEST(children.running() == 1U);
        children.cancel();
        s.spawn([&] { return join_and_keep(children, code); });
        s.run();
        BOOST_TEST(code == asio::error::operation_aborted);
        BOOST_TEST(children.running() == 0U);
        BOOST_TEST(count == 0);
        BOOST_TEST((s.elapsed() == 0s));
    });
}

BOOST_AUTO_TEST_CASE(a_child_that_cancels_its_own_scope_sees_it_at_its_next_suspension)
{
    in_many_orders([](simulation& s) {
        int count = 0;
        weir::error_code code;
        const auto parent = [&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor());
            const auto child = [&]() -> asio::awaitable<void> {
                children.cancel();
                co_await sleep_then(1h, count);
            };
            children.spawn(child);
            co_await join_and_keep(children, code);
        };
        s.spawn(parent);
        s.run();
        BOOST_TEST(code == asio::error::operation_aborted);
        BOOST_TEST(count == 0);
        BOOST_TEST((s.elapsed() == 0s));
    });
}

// ---- tied to a token

/// Sleeps until it is cancelled, and says where that reached it.
asio::awaitable<void> note_where_cancelled(simulation& s, int& here, int& elsewhere)
{
    try {
        co_await weir::async_sleep_for(s.a.get_executor(), 1h);
    } catch (const weir::system_error&) {
        ++(s.world.running() == &s.a ? here : elsewhere);
        throw;
    }
}

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
        source.cancel(); // reaches nobody
    }
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
