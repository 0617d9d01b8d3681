#include <weir/flow/worker_pool.hpp>

#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(worker_pool)

using pool = int_pool;

BOOST_AUTO_TEST_CASE(the_limit_may_be_changed_while_jobs_run)
{
    in_many_orders([](simulation& s) {
        int running = 0, most = 0;
        const auto work = [&](int n) -> asio::awaitable<int> {
            most = std::max(most, ++running);
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
            --running;
            co_return n;
        };
        pool jobs(both(s), pool_options(1).discard_results(), work);
        s.spawn([&]() -> asio::awaitable<void> {
            const auto executor = s.a.get_executor();
            co_await feed(jobs, 0, 30);
            co_await weir::async_sleep_for(executor, 2500ms);
            BOOST_TEST(std::exchange(most, 0) == 1);
            jobs.resize(4);
            co_await weir::async_sleep_for(executor, 2s);
            BOOST_TEST(most == 4);
            jobs.resize(2); // revokes nothing
            co_await weir::async_sleep_for(executor, 1s);
            most = 0;
            co_await weir::async_sleep_for(executor, 3s);
            BOOST_TEST(most == 2);
            jobs.resize(weir::paused);
            co_await weir::async_sleep_for(executor, 2s);
            const auto done = jobs.ledger().ok;
            co_await weir::async_sleep_for(executor, 1h);
            BOOST_TEST(jobs.ledger().ok == done);
            BOOST_TEST(running == 0);
            BOOST_TEST(jobs.workers().is_paused());
            jobs.resize(3);
            const auto report = co_await jobs.drain(1h);
            BOOST_TEST(report.clean());
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 30U);
    });
}

BOOST_AUTO_TEST_CASE(idle_workers_leave_when_there_are_too_many)
{
    in_many_orders([](simulation& s) {
        int most = 0, running = 0;
        const auto work = [&](int n) -> asio::awaitable<int> {
            most = std::max(most, ++running);
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
            --running;
            co_return n;
        };
        pool jobs(both(s), pool_options(4).discard_results(), work);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1s); // all four wait
            jobs.resize(1);
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            co_await feed(jobs, 0, 5);
            co_await jobs.drain(1h);
        });
        run_watching(s, jobs);
        BOOST_TEST(most == 1);
        BOOST_TEST(jobs.ledger().ok == 5U);
    });
}

BOOST_AUTO_TEST_CASE(a_paused_pool_ends_all_the_same)
{
    for (const bool with_jobs : {false, true})
        in_many_orders(
            [with_jobs](simulation& s) {
                pool jobs(both(s), pool_options(weir::paused), twice_after_a_second);
                std::map<weir::job_id, status> got;
                s.spawn(s.a, [&]() -> asio::awaitable<void> {
                    if (with_jobs)
                        co_await feed(jobs, 0, 3);
                    const auto report = co_await jobs.drain(10s);
                    BOOST_TEST(report.complete);
                    BOOST_TEST(report.unfinished.size() == (with_jobs ? 3U : 0U));
                });
                s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
                run_watching(s, jobs);
                BOOST_TEST(got.size() == (with_jobs ? 3U : 0U));
                BOOST_TEST((s.elapsed() == (with_jobs ? 10s : 0s)));
            },
            100);
}

BOOST_AUTO_TEST_SUITE_END()
