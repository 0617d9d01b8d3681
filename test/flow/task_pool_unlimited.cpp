#include <weir/flow/task_pool.hpp>

#include <weir/time/sleep.hpp>

#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(task_pool)

BOOST_AUTO_TEST_CASE(without_a_limit_every_job_starts_as_it_comes)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(weir::unlimited));
        int sum = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            std::vector<weir::task<int>> handles;
            for (int i = 0; i < 20; ++i) {
                const auto work = [i] { return slow(i); };
                handles.push_back(co_await tasks.async_submit(work));
            }
            for (auto& handle : handles) {
                auto out = co_await handle.async_outcome();
                sum += out.value();
            }
            BOOST_TEST((s.elapsed() == 1s));
            const auto report = co_await tasks.drain(1s);
            BOOST_TEST(report.clean());
            BOOST_TEST(!tasks.try_submit([] {}));
            auto late = tasks.async_submit([] {}, asio::as_tuple(asio::use_awaitable));
            const auto refused = co_await std::move(late);
            BOOST_TEST((std::get<0>(refused) == weir::errc::closed));
        });
        s.run();
        BOOST_TEST(sum == 190);
        BOOST_TEST(tasks.ledger().balanced());
        BOOST_TEST(tasks.ledger().accepted == 20U);
    });
}

BOOST_AUTO_TEST_CASE(without_a_limit_a_plain_job_does_not_run_inside_the_submit)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks({s.a.get_executor()}, pool_options(weir::unlimited));
        int depth = 0, deepest = 0, done = 0;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            const auto inner = [&] { ++done; };
            const auto outer = [&] {
                deepest = std::max(deepest, ++depth);
                (void)tasks.try_submit(inner);
                --depth;
                ++done;
            };
            for (int i = 0; i < 5; ++i)
                (void)tasks.try_submit(outer);
            BOOST_TEST(done == 0);
            BOOST_TEST(tasks.ledger().queued() == 5U);
            while (tasks.ledger().accepted < 10U)
                co_await weir::async_sleep_for(s.a.get_executor(), 1ms);
            const auto report = co_await tasks.drain(1s);
            BOOST_TEST(report.clean());
        });
        s.run();
        BOOST_TEST(done == 10);
        BOOST_TEST(deepest == 1);
        BOOST_TEST(tasks.ledger().ok == 10U);
    });
}

BOOST_AUTO_TEST_CASE(without_a_limit_a_context_that_is_destroyed_leaves_no_task_untold)
{
    for (const std::size_t steps : {0U, 1U, 3U, 6U, 100U})
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            weir::sim::world w(seed);
            auto here = std::make_unique<weir::sim::context>(w);
            weir::task_pool tasks({here->get_executor()}, pool_options(weir::unlimited));
            std::vector<weir::task<int>> handles;
            for (int i = 0; i < 3; ++i) {
                handles.push_back(tasks.try_submit([i] { return i; }));
                handles.push_back(tasks.try_submit([i] { return slow(i); }));
            }
            for (std::size_t i = 0; i < steps && w.now() == weir::time_point{}; ++i)
                w.run_one();
            here.reset();
            for (const auto& handle : handles)
                BOOST_TEST(handle.is_done());
            const weir::ledger l = tasks.ledger();
            BOOST_TEST(l.balanced());
            BOOST_TEST(l.accepted == 6U);
            BOOST_TEST(l.ok + l.abandoned + l.dropped == 6U);
            BOOST_TEST((steps != 0U || l.dropped == 6U));
            BOOST_TEST((steps != 100U || l.ok >= 3U));
        }
}

BOOST_AUTO_TEST_CASE(without_a_limit_the_ledger_never_goes_back_and_always_adds_up)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(weir::unlimited).timeout(2s).grace(1s));
        const auto stubborn = []() -> asio::awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await weir::async_sleep_for(executor, 10s);
        };
        const auto too_long = []() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h);
        };
        for (int i = 0; i < 4; ++i) {
            (void)tasks.try_submit([] {});
            (void)tasks.try_submit([] { return slow(1); });
            (void)tasks.try_submit([]() -> int { throw std::runtime_error("no"); });
            (void)tasks.try_submit(too_long);
            (void)tasks.try_submit(stubborn);
        }
        tasks.close();
        weir::ledger before = tasks.ledger();
        while (s.world.run_one()) {
            const weir::ledger now = tasks.ledger();
            BOOST_REQUIRE(now.accepted == 20U);
            BOOST_REQUIRE(now.started >= before.started);
            BOOST_REQUIRE(now.finished() >= before.finished());
            BOOST_REQUIRE(now.started >= now.finished());
            BOOST_REQUIRE(now.started + now.dropped <= now.accepted);
            before = now;
        }
        BOOST_TEST(before.balanced());
        BOOST_TEST(before.ok == 8U);
        BOOST_TEST(before.failed == 4U);
        BOOST_TEST(before.timed_out == 4U);
        BOOST_TEST(before.abandoned == 4U);
        BOOST_TEST(before.late == 4U);
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(without_a_limit_a_drain_that_runs_out_names_what_it_ended)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(weir::unlimited).grace(1s));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto forever = []() -> asio::awaitable<void> {
                co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h);
            };
            for (const char* name : {"one", "two"})
                (void)tasks.try_submit(forever, weir::job_options().name(name));
            (void)tasks.try_submit([] {});
            const auto report = co_await tasks.drain(1s);
            BOOST_TEST(report.complete);
            BOOST_REQUIRE(report.unfinished.size() == 2U);
            std::vector<std::string> names{report.unfinished[0].name, report.unfinished[1].name};
            std::sort(names.begin(), names.end());
            BOOST_TEST(names[0] == "one");
            BOOST_TEST(names[1] == "two");
            BOOST_TEST((report.unfinished[0].status == status::cancelled));
            BOOST_TEST(report.ledger.cancelled == 2U);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_SUITE_END()
