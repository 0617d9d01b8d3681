// How jobs and submits that wait for a limit end, and what a breaker hears of it.
#include <weir/flow/asio_queue.hpp>
#include <weir/flow/pool_options.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/limited_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::errc;
using weir::job_options;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(pool_limits)

// ---- the ways out

BOOST_AUTO_TEST_CASE(a_submitter_that_waits_for_its_share_can_be_cancelled)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(1).queue(1).key_share(0.5).discard_results();
        int_pool jobs({s.a.get_executor()}, options, seen.handler());
        asio::cancellation_signal stop;
        BOOST_TEST(bool(jobs.try_submit(0, of("a"))));
        const auto options_of_a = of("a");
        bool ended = false;
        jobs.async_submit(
            7, options_of_a,
            asio::bind_cancellation_slot(
                stop.slot(), asio::bind_executor(s.a.get_executor(), [&](auto result) {
                    BOOST_TEST((result.error() == asio::error::operation_aborted));
                    BOOST_TEST(result.job() == 7);
                    BOOST_TEST((s.elapsed() == 500ms));
                    ended = true;
                })));
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            stop.emit(asio::cancellation_type::total);
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        BOOST_TEST(ended);
        BOOST_TEST(jobs.ledger().ok == 1U);
        BOOST_TEST(jobs.ledger().rejected == 1U);
    });
}

BOOST_AUTO_TEST_CASE(a_submitter_waits_no_longer_than_the_deadline_of_its_job)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(1).queue(1).bytes(10).discard_results();
        int_pool jobs({s.a.get_executor()}, options, seen.handler());
        BOOST_TEST(bool(jobs.try_submit(0, job_options().bytes(10))));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto soon = job_options().bytes(10).deadline(s.world.now() + 300ms);
            auto result = co_await jobs.async_submit(7, soon);
            BOOST_TEST((result.error() == errc::timed_out));
            BOOST_TEST(result.job() == 7);
            BOOST_TEST((s.elapsed() == 300ms));
            co_await drain(jobs);
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 1U);
    });
}

BOOST_AUTO_TEST_CASE(closing_hands_the_jobs_of_waiting_submitters_back)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(1).queue(1).per_key(1).discard_results();
        int_pool jobs({s.a.get_executor()}, options, seen.handler());
        int back = 0;
        for (int i = 0; i < 6; ++i)
            s.spawn([&, i]() -> asio::awaitable<void> {
                const auto key = of(i % 2 == 0 ? "a" : "b");
                auto result = co_await jobs.async_submit(i, key);
                if (!result) {
                    BOOST_TEST((result.error() == errc::closed));
                    BOOST_TEST(result.job() == i);
                    ++back;
                }
            });
        s.spawn(s.b, [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.b.get_executor(), 500ms);
            BOOST_TEST(jobs.stats().waiting_submitters == 4U);
            jobs.close();
            BOOST_TEST((jobs.try_submit(9, of("a")).error() == errc::closed));
        });
        run_watching(s, jobs);
        BOOST_TEST(back == 4);
        BOOST_TEST(jobs.ledger().ok == 2U);
    });
}

BOOST_AUTO_TEST_CASE(stopping_ends_what_waits_for_a_rate_or_a_key_at_once)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(4).per_key(1).rate(weir::rate(1, 1min), 2);
        int_pool jobs(both(s), options, seen.handler());
        std::map<weir::job_id, status> got;
        s.spawn([&] { return collect(jobs, got); });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 0, 5, "a");
            co_await feed_key(jobs, 10, 15, "b");
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            jobs.stop();
        });
        run_watching(s, jobs);
        BOOST_TEST(got.size() == 10U);
        BOOST_TEST((s.elapsed() == 500ms));
        BOOST_TEST(jobs.ledger().dropped == 8U);
        BOOST_TEST(jobs.ledger().cancelled == 2U);
    });
}

BOOST_AUTO_TEST_CASE(a_drain_that_ends_too_early_reports_and_ends_what_waits)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(2).rate(weir::rate(1, 1min), 2);
        int_pool jobs(both(s), options, seen.handler());
        std::map<weir::job_id, status> got;
        s.spawn([&] { return collect(jobs, got); });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 5);
            const auto report = co_await jobs.drain(10s);
            BOOST_TEST(report.unfinished.size() == 3U);
            BOOST_TEST((s.elapsed() == 10s));
        });
        run_watching(s, jobs);
        BOOST_TEST(got.size() == 5U);
        BOOST_TEST(jobs.ledger().ok == 2U);
        BOOST_TEST(jobs.ledger().dropped == 3U);
    });
}

BOOST_AUTO_TEST_CASE(a_drain_waits_for_the_rate_within_its_limit)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto options = pool_options(2).rate(weir::rate(1, 1min), 2).discard_results();
        int_pool jobs(both(s), options, seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 5);
            const auto report = co_await jobs.drain(1h);
            BOOST_TEST(report.clean());
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 5U);
        BOOST_TEST((s.elapsed() == 3min + 1s));
    });
}

// The deadline of a job counts while it waits for its key, and it takes no start of the rate.
BOOST_AUTO_TEST_CASE(a_job_that_waits_for_its_limits_ends_at_its_deadline)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        seen.length = 10s;
        int_pool jobs(both(s), pool_options(4).per_key(1), seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed_key(jobs, 0, 1, "a");
            const auto soon = of("a").deadline(s.world.now() + 2s);
            BOOST_TEST(bool(co_await jobs.async_submit(1, soon)));
            auto out = co_await jobs.results().async_receive();
            BOOST_REQUIRE(out);
            BOOST_TEST((out->status() == status::timed_out));
            BOOST_TEST((s.elapsed() == 2s));
            BOOST_TEST(seen.order.size() == 1U);
            out = co_await jobs.results().async_receive();
            BOOST_REQUIRE(out);
            BOOST_TEST((out->status() == status::ok));
            jobs.close();
        });
        run_watching(s, jobs);
    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_that_waits_for_its_key_ends_at_once)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(4).per_key(1));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto key = of("a");
            auto first = co_await tasks.async_submit([] { return slow(1); }, key);
            auto second = co_await tasks.async_submit([] { return slow(2); }, key);
            co_await weir::async_sleep_for(s.b.get_executor(), 300ms);
            second.cancel();
            const auto out = co_await second.async_outcome();
            BOOST_TEST((out.status() == status::cancelled));
            BOOST_TEST((s.elapsed() == 300ms));
            auto ran = co_await first.async_outcome();
            BOOST_TEST(ran.value() == 1);
            co_await tasks.drain(1s);
        });
        s.run();
        BOOST_TEST(tasks.ledger().balanced());
    });
}

// The worker, which waits for a receiver, comes later than a breaker stays open.
BOOST_AUTO_TEST_CASE(a_breaker_opens_from_the_failure_on)
{
    in_many_orders([](simulation& s) {
        int calls = 0;
        const auto rule = weir::breaker_options().window(1).failures(1).open_for(1s);
        int_pool jobs({s.a.get_executor()}, pool_options(1).breaker(rule).results(1),
                      [&](int n) -> asio::awaitable<int> {
                          if (n >= 2) {
                              ++calls;
                              throw std::runtime_error("down");
                          }
                          co_return n;
                      });
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 4; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, of(i < 2 ? "up" : "down"))));
            jobs.close();
            co_await weir::async_sleep_for(s.a.get_executor(), 10s);
            while (co_await jobs.results().async_receive()) {
            }
        });
        run_watching(s, jobs);
        BOOST_TEST(calls == 1);
    });
}

// Their deadlines passed in line: the far side has not failed.
BOOST_AUTO_TEST_CASE(jobs_that_never_ran_tell_a_breaker_nothing)
{
    in_many_orders([](simulation& s) {
        observer seen(s);
        const auto rule = weir::breaker_options().window(4).failures(2);
        int_pool jobs({s.a.get_executor()}, pool_options(1).breaker(rule), seen.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            const auto soon = of("a").deadline(s.world.now() + 500ms);
            BOOST_TEST(bool(jobs.try_submit(0, of("a"))));
            for (int i = 1; i < 4; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, soon)));
            co_await weir::async_sleep_for(s.a.get_executor(), 5s);
            BOOST_TEST(bool(jobs.try_submit(9, of("a"))));
            jobs.close();
        });
        std::map<weir::job_id, status> got;
        s.spawn([&] { return collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 2U);
        BOOST_TEST(jobs.ledger().timed_out == 3U);
    });
}

// The worker waits for a receiver until it is too late for a job that the breaker has let through.
BOOST_AUTO_TEST_CASE(a_breaker_does_not_count_a_job_that_a_worker_takes_too_late)
{
    in_many_orders([](simulation& s) {
        const auto rule = weir::breaker_options().window(1).failures(1).open_for(24h);
        int_pool jobs({s.a.get_executor()}, pool_options(1).breaker(rule).results(1),
                      [](int n) -> asio::awaitable<int> { co_return n; });
        s.spawn([&]() -> asio::awaitable<void> {
            const auto soon = of("a").deadline(s.world.now() + 500ms);
            for (int i = 0; i < 5; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, i < 2 ? of("up") : soon)));
            co_await weir::async_sleep_for(s.a.get_executor(), 10s);
            BOOST_TEST(bool(jobs.try_submit(9, of("a"))));
            jobs.close();
            while (co_await jobs.results().async_receive()) {
            }
        });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 3U);
        BOOST_TEST(jobs.ledger().timed_out == 3U);
    });
}

// ---- the end of a context

BOOST_AUTO_TEST_CASE(what_waits_when_the_context_goes_is_let_go)
{
    const auto live = std::make_shared<int>(0);
    {
        asio::io_context context;
        weir::worker_pool<std::shared_ptr<int>, int> jobs(
            {context.get_executor()}, pool_options(1).per_key(1).rate(weir::rate(1, 1h), 1),
            [](std::shared_ptr<int>& n) { return *n; });
        for (int i = 0; i < 4; ++i)
            BOOST_TEST(bool(jobs.try_submit(live, of("a"))));
        BOOST_TEST(live.use_count() == 5);
        context.poll();
        BOOST_TEST(live.use_count() == 4);
    }
    BOOST_TEST(live.use_count() == 1);

    auto context = std::make_unique<asio::io_context>();
    weir::worker_pool<std::shared_ptr<int>, int> jobs(
        {context->get_executor()}, pool_options(1).per_key(1).rate(weir::rate(1, 1h), 1),
        [](std::shared_ptr<int>& n) { return *n; });
    for (int i = 0; i < 4; ++i)
        BOOST_TEST(bool(jobs.try_submit(live, of("a"))));
    context->poll();
    context.reset();
    const auto refused = jobs.try_submit(live, of("a"));
    BOOST_TEST(!refused);
    jobs.close();
    BOOST_TEST(live.use_count() <= 5);
}

BOOST_AUTO_TEST_SUITE_END()
