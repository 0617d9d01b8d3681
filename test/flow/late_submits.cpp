// Jobs whose deadline would come while they are queued are refused, on request.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/rate.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <map>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::errc;
using weir::job_options;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(late_submits)

// One worker, a second a job: the queue is a dozen seconds long when the late jobs come.
BOOST_AUTO_TEST_CASE(a_job_that_the_queue_would_make_late_is_refused)
{
    in_many_orders([](simulation& s) {
        int_pool jobs({s.a.get_executor()}, pool_options(1).queue(64).reject_late(),
                      twice_after_a_second);
        std::map<weir::job_id, status> got;
        s.spawn([&] { return collect(jobs, got); });
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 40; ++i)
                BOOST_TEST(bool(jobs.try_submit(i))); // none is late without a deadline
            co_await weir::async_sleep_for(s.b.get_executor(), 25500ms);
            const auto soon = job_options().deadline(s.world.now() + 5s);
            auto refused = jobs.try_submit(100, soon);
            BOOST_TEST((refused.error() == errc::not_in_time));
            BOOST_TEST(refused.job() == 100);
            const auto waited = co_await jobs.async_submit(101, soon);
            BOOST_TEST((waited.error() == errc::not_in_time));
            const auto later = job_options().deadline(s.world.now() + 60s);
            BOOST_TEST(bool(jobs.try_submit(102, later)));
            BOOST_TEST(jobs.ledger().rejected == 2U);
            jobs.close();
        });
        s.run();
        BOOST_TEST(got.size() == 41U);
        BOOST_TEST(jobs.ledger().ok == 41U);
    });
}

BOOST_AUTO_TEST_CASE(with_nothing_queued_only_a_deadline_of_the_past_is_refused)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks({s.a.get_executor()}, pool_options(1).reject_late());
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 20; ++i) { // so that waits were long
                const auto accepted = tasks.try_submit([] { return slow(1); });
                BOOST_TEST(accepted.id() != 0U);
            }
            co_await weir::async_sleep_for(s.b.get_executor(), 30s);
            const auto tight = job_options().deadline(s.world.now() + 1500ms);
            auto out = co_await tasks.async_run([] { return slow(7); }, tight);
            BOOST_TEST(out.value() == 7);
            const auto past = job_options().deadline(s.world.now());
            weir::error_code why;
            try {
                const auto late = co_await tasks.async_run([] { return 1; }, past);
                BOOST_TEST(bool(late));
            } catch (const weir::system_error& error) {
                why = error.code();
            }
            BOOST_TEST((why == errc::not_in_time));
            co_await tasks.drain(1s);
            BOOST_TEST(tasks.ledger().rejected == 1U);
        });
        s.run();
    });
}

// Twice as many as the worker can do, all with the same deadline: those that died in the queue
// would say that nobody waits longer than that.
BOOST_AUTO_TEST_CASE(under_steady_overload_the_accepted_ones_succeed)
{
    in_many_orders(
        [](simulation& s) {
            int_pool jobs({s.a.get_executor()}, pool_options(1).queue(64).reject_late(),
                          twice_after_a_second);
            std::map<weir::job_id, status> got;
            s.spawn([&] { return collect(jobs, got); });
            s.spawn([&]() -> asio::awaitable<void> {
                for (int i = 0; i < 240; ++i) {
                    (void)jobs.try_submit(i, job_options().deadline(s.world.now() + 5s));
                    co_await weir::async_sleep_for(s.b.get_executor(), 500ms);
                }
                jobs.close();
            });
            s.run();
            BOOST_TEST(jobs.ledger().ok >= 115U);
            BOOST_TEST(jobs.ledger().timed_out <= 2U);
        },
        20);
}

BOOST_AUTO_TEST_CASE(a_rate_is_known_before_anything_has_started)
{
    in_many_orders(
        [](simulation& s) {
            const auto rate = weir::rate::per_second(20);
            int_pool jobs({s.a.get_executor()},
                          pool_options(4).queue(500).rate(rate, 1).reject_late().discard_results(),
                          [](int n) { return slow(n); });
            for (int i = 0; i < 200; ++i)
                (void)jobs.try_submit(i, job_options().deadline(s.world.now() + 20s));
            jobs.close();
            s.run();
            BOOST_TEST(jobs.ledger().rejected == 0U); // 4 workers do 4 a second: it cannot be known
            int_pool quick({s.a.get_executor()},
                           pool_options(4).queue(500).rate(rate, 1).reject_late().discard_results(),
                           [](int n) -> asio::awaitable<int> { co_return n; });
            for (int i = 0; i < 200; ++i)
                (void)quick.try_submit(i, job_options().deadline(s.world.now() + 2s));
            quick.close();
            s.run();
            BOOST_TEST(quick.ledger().timed_out == 0U);
            BOOST_TEST(quick.ledger().ok >= 38U);
            BOOST_TEST(quick.ledger().ok == quick.ledger().accepted);
        },
        20);
}

// One key has more than it may run; another has workers that are free.
BOOST_AUTO_TEST_CASE(jobs_that_wait_for_their_key_make_no_other_late)
{
    in_many_orders([](simulation& s) {
        int_pool jobs({s.a.get_executor()},
                      pool_options(4).per_key(1).reject_late().discard_results(),
                      twice_after_a_second);
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 40; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, job_options().key("a"))));
            co_await weir::async_sleep_for(s.b.get_executor(), 20500ms);
            const auto soon = job_options().key("b").deadline(s.world.now() + 1500ms);
            BOOST_TEST(bool(jobs.try_submit(100, soon)));
            const auto report = co_await jobs.drain(1min);
            BOOST_TEST(report.clean());
        });
        s.run();
        BOOST_TEST(jobs.ledger().ok == 41U);
    });
}

BOOST_AUTO_TEST_CASE(without_the_option_late_jobs_are_accepted_and_time_out)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks({s.a.get_executor()}, pool_options(1));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto past = job_options().deadline(s.world.now());
            auto out = co_await tasks.async_run([] { return 1; }, past);
            BOOST_TEST((out.status() == status::timed_out));
            co_await tasks.drain(1s);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_SUITE_END()
