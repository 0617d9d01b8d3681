#include <weir/run/scope.hpp>

#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "failing_allocations.hpp"
#include "scope_children.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;

BOOST_AUTO_TEST_SUITE(scope)

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

BOOST_AUTO_TEST_CASE(join_throws_the_first_error_only)
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

BOOST_AUTO_TEST_CASE(cancelling_a_join_cancels_the_children_and_waits_for_them)
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

BOOST_AUTO_TEST_CASE(a_collecting_scope_cancels_no_child_and_throws_all_errors)
{
    in_many_orders([](simulation& s) {
        int count = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::scope children(s.a.get_executor(), weir::error_rule::collect);
            children.spawn(sleep_then(1h, count));
            children.spawn(fail_after(2s, "second"));
            children.spawn(fail_after(1s, "first"));
            std::vector<std::string> messages;
            try {
                co_await children.join();
            } catch (const weir::scope_errors& e) {
                for (const std::exception_ptr& error : e.errors())
                    try {
                        std::rethrow_exception(error);
                    } catch (const std::runtime_error& each) {
                        messages.push_back(each.what());
                    }
            }
            BOOST_REQUIRE(messages.size() == 2U);
            BOOST_TEST(messages[0] == "first");
            BOOST_TEST(messages[1] == "second");
            BOOST_TEST(!children.cancelled());
        });
        s.run();
        BOOST_TEST(count == 1);
    });
}

// Spawned from outside, before the executor runs, a child begins later; until then no cancellation
// may be emitted to it.
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

// Each allocation inside `spawn` fails once: its own, or one that the child needs before it first
// suspends.
BOOST_AUTO_TEST_CASE(a_child_that_could_not_be_started_is_not_waited_for)
{
    if (!allocations_can_fail()) {
        BOOST_TEST_MESSAGE("a sanitizer has an allocator of its own");
        return;
    }
    for (const auto rule : {weir::error_rule::cancel_siblings, weir::error_rule::collect}) {
        long after = 0;
        unsigned refusals = 0;
        for (bool again = true; again; ++after) {
            simulation s(1);
            int count = 0;
            unsigned refused = 0, failed = 0;
            weir::error_code code;
            bool joined = false;
            s.spawn([&]() -> asio::awaitable<void> {
                weir::scope children(s.a.get_executor(), rule);
                children.spawn(sleep_then(1s, count));
                auto child = sleep_then(1s, count);
                fail_allocation(after);
                try {
                    children.spawn(std::move(child));
                } catch (const std::bad_alloc&) {
                    ++refused;
                }
                fail_allocation(-1);
                again = allocation_failed();
                failed = again && refused == 0 ? 1 : 0;
                if (failed == 0) // else it may have ended already
                    BOOST_TEST(children.running() == 2 - refused);
                co_await join_and_keep(children, code);
                joined = true;
            });
            s.world.run(); // Asio may lose a handler of its own
            BOOST_TEST(s.world.unfinished() == "");
            const bool siblings_cancelled =
                failed != 0 && rule == weir::error_rule::cancel_siblings;
            BOOST_TEST(count == (siblings_cancelled ? 0 : int(2 - refused - failed)));
            BOOST_TEST((code == boost::system::errc::not_enough_memory) == (failed != 0));
            BOOST_TEST(joined);
            refusals += refused;
        }
        BOOST_TEST(refusals >= 4U); // allocations of weir, and of Asio
    }
}

// The session is stopped from inside, while its scope begins.
BOOST_AUTO_TEST_CASE(a_coroutine_that_its_own_child_cancels_waits_for_the_child)
{
    in_many_orders([](simulation& s) {
        asio::cancellation_signal stop;
        bool body_has_ended = false;
        bool ended = false;
        const auto session = [&]() -> asio::awaitable<void> {
            co_await asio::post(asio::use_awaitable);
            const auto body = [&](weir::scope&) -> asio::awaitable<int> {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                stop.emit(asio::cancellation_type::terminal);
                co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
                BOOST_TEST(!ended);
                body_has_ended = true;
                co_return 7;
            };
            (void)co_await weir::with_scope(body);
        };
        auto on_end = [&](std::exception_ptr) { ended = true; };
        asio::co_spawn(s.a.get_executor(), session,
                       asio::bind_cancellation_slot(stop.slot(), on_end));
        s.world.run();
        BOOST_TEST(body_has_ended);
        BOOST_TEST(ended);
    });
}

BOOST_AUTO_TEST_SUITE_END()
