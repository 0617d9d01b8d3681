#include <weir/flow/worker_pool.hpp>

#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(worker_pool)

using pool = int_pool;

BOOST_AUTO_TEST_CASE(stopping_cancels_what_runs_and_drops_what_waits)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2), twice_after_a_second);
        std::map<weir::job_id, status> got;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 10);
            co_await weir::async_sleep_for(s.a.get_executor(), 1500ms);
            jobs.stop();
            BOOST_TEST(!co_await jobs.async_submit(1));
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        const auto l = jobs.ledger();
        BOOST_TEST(got.size() == 10U);
        BOOST_TEST(l.ok == 2U);
        BOOST_TEST(l.cancelled == 2U);
        BOOST_TEST(l.dropped == 6U);
        BOOST_TEST((s.elapsed() == 1500ms));
    });
}

BOOST_AUTO_TEST_CASE(a_drain_finishes_what_was_taken)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2).discard_results(), twice_after_a_second);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 10);
            const auto report = co_await jobs.drain(1min);
            BOOST_TEST(report.clean());
            BOOST_TEST(report.ledger.ok == 10U);
        });
        run_watching(s, jobs);
        BOOST_TEST((s.elapsed() == 5s));
    });
}

BOOST_AUTO_TEST_CASE(a_drain_that_starts_after_its_pool_is_gone_still_reports)
{
    weir::test::in_many_orders([](simulation& s) {
        auto jobs = std::make_unique<pool>(both(s), weir::pool_options(1), twice_after_a_second);
        const int job = 1;
        BOOST_TEST(bool(jobs->try_submit(job)));
        auto drain = jobs->drain(1min);
        jobs.reset();
        bool complete = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto report = co_await std::move(drain);
            complete = report.complete;
        });
        s.run();
        BOOST_TEST(complete);
    });
}

BOOST_AUTO_TEST_CASE(a_drain_past_its_limit_names_what_was_not_finished)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) { return n == 0 ? stubborn(1h) : twice_after_a_second(n); };
        pool jobs(both(s), pool_options(2).grace(1s), work);
        std::map<weir::job_id, status> got;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 10);
            const auto report = co_await jobs.drain(2500ms);
            BOOST_TEST(report.complete);
            BOOST_TEST(!report.clean());
            std::map<status, int> how;
            for (const auto& unfinished : report.unfinished)
                ++how[unfinished.status];
            BOOST_TEST(how[status::abandoned] == 1);
            BOOST_TEST(how[status::cancelled] == 1);
            BOOST_TEST(how[status::dropped] == 6);
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST(got.size() == 10U);
        BOOST_TEST((got[1] == status::abandoned));
    });
}

// However much is in its way: jobs that do not end, jobs in the queue, results without a receiver.
BOOST_AUTO_TEST_CASE(a_drain_takes_one_limit_and_one_grace)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int) { return stubborn(1h); };
        const auto options = pool_options(2).results(0).grace(500ms);
        pool jobs(both(s), options, work);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 6);
            const auto report = co_await jobs.drain(300ms);
            BOOST_TEST((s.elapsed() == 800ms));
            BOOST_TEST(report.complete);
            BOOST_TEST(report.unfinished.size() == 6U);
            BOOST_TEST(report.running.empty());
            BOOST_TEST(report.ledger.abandoned == 2U);
            BOOST_TEST(report.ledger.dropped == 4U);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_drain_completes_though_no_result_is_received)
{
    in_many_orders([](simulation& s) {
        int hooked = 0;
        pool jobs(both(s), pool_options(2).queue(10).results(1), twice_after_a_second,
                  [&](weir::outcome<int>&&) { ++hooked; });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 10);
            const auto report = co_await jobs.drain(20s);
            BOOST_TEST(report.complete);
        });
        run_watching(s, jobs);
        BOOST_TEST(hooked == 9); // and one is still in the channel
    });
}

BOOST_AUTO_TEST_CASE(a_pool_destroyed_in_the_middle_still_reports_every_job)
{
    in_many_orders([](simulation& s) {
        std::map<weir::job_id, status> got;
        const auto keep = [&](weir::outcome<int>&& out) { got[out.id()] = out.status(); };
        auto jobs =
            std::make_unique<pool>(both(s), pool_options(2).results(0), twice_after_a_second, keep);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(*jobs, 0, 6);
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            jobs.reset();
        });
        s.run();
        BOOST_TEST(got.size() == 6U);
        BOOST_TEST((s.elapsed() == 500ms));
    });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_in_the_middle_still_reports_every_job)
{
    std::map<weir::job_id, status> got;
    const auto keep = [&](weir::outcome<int>&& out) { got[out.id()] = out.status(); };
    {
        weir::sim::world w(1);
        auto c = std::make_unique<weir::sim::context>(w);
        pool jobs({c->get_executor()}, pool_options(2).results(0), twice_after_a_second, keep);
        for (int i = 0; i < 6; ++i)
            BOOST_TEST(bool(jobs.try_submit(i)));
        while (w.run_one() && w.now() == weir::time_point{}) {
        }
        c.reset();
        BOOST_TEST(jobs.ledger().abandoned + jobs.ledger().ok >= 2U);
    }
    BOOST_TEST(got.size() == 6U);
}

BOOST_AUTO_TEST_CASE(a_job_whose_submitter_is_destroyed_is_reported_too)
{
    std::map<weir::job_id, status> got;
    const auto keep = [&](weir::outcome<int>&& out) { got[out.id()] = out.status(); };
    weir::sim::world w(1);
    weir::sim::context b(w);
    auto jobs =
        std::make_unique<pool>(std::vector<asio::any_io_executor>{b.get_executor()},
                               pool_options(1).queue(1).results(0), twice_after_a_second, keep);
    {
        weir::sim::context a(w);
        for (int i = 0; i < 4; ++i)
            jobs->async_submit(
                i, asio::bind_executor(a.get_executor(), [](weir::submit_result<int>) {}));
    }
    const weir::ledger l = jobs->ledger();
    BOOST_TEST(l.dropped + l.queued() + l.running() == l.accepted);
    jobs.reset();
    w.run();
    BOOST_TEST(got.size() == 4U);
}

BOOST_AUTO_TEST_CASE(the_drain_report_lists_names_keys_and_ages)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) { return n == 0 ? stubborn(1h) : twice_after_a_second(n); };
        pool jobs(both(s), pool_options(1).grace(1s).timings(), work);
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            auto said = weir::job_options().name("the slow one").key("k");
            BOOST_TEST(bool(co_await jobs.async_submit(0, said)));
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            auto waits = weir::job_options().name("the one behind it");
            BOOST_TEST(bool(co_await jobs.async_submit(1, waits)));
            const auto report = co_await jobs.drain(2s);
            BOOST_REQUIRE(report.unfinished.size() == 2U);
            for (const weir::unfinished_job& u : report.unfinished) {
                const bool slow = u.name == "the slow one";
                BOOST_TEST((u.status == (slow ? status::abandoned : status::dropped)));
                BOOST_TEST(u.key == (slow ? "k" : ""));
                // The slow job keeps its worker for the grace; then the other is dropped.
                BOOST_TEST((*u.age == (slow ? 4s : 3s)));
            }
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(the_first_reason_for_cancelling_a_job_stays)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int) -> asio::awaitable<int> {
            const auto executor = co_await asio::this_coro::executor;
            bool cut = false;
            try {
                co_await weir::async_sleep_for(executor, 1h);
            } catch (const weir::system_error&) {
                cut = true;
            }
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await asio::this_coro::throw_if_cancelled(false);
            co_await weir::async_sleep_for(executor, 1s); // clean-up
            if (cut)
                throw std::runtime_error("cut short");
            co_return 0;
        };
        pool jobs(both(s), pool_options(1).timeout(10s).grace(2s), work);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 1);
            co_await weir::async_sleep_for(s.a.get_executor(), 10500ms);
            jobs.stop();
            const auto out = co_await jobs.results().async_receive();
            BOOST_TEST((out->status() == status::timed_out));
            BOOST_TEST((out->reason() == cancel_reason::deadline));
        });
        s.run();
        BOOST_TEST((s.elapsed() == 11s));
        BOOST_TEST(jobs.ledger().timed_out == 1U);
    });
}

BOOST_AUTO_TEST_CASE(a_drain_without_a_timeout_waits_until_the_jobs_have_ended)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2).discard_results(), twice_after_a_second);
        s.spawn([&]() -> asio::awaitable<void> {
            // The longest duration from here on is past the last point in time there is.
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            co_await feed(jobs, 0, 4);
            const auto report = co_await jobs.drain(weir::duration::max());
            BOOST_TEST(report.clean());
            BOOST_TEST(report.ledger.ok == 4U);
        });
        run_watching(s, jobs);
        BOOST_TEST((s.elapsed() == 3s));
    });
}

BOOST_AUTO_TEST_CASE(a_job_abandoned_before_the_drain_is_not_in_its_report)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) { return n == 0 ? stubborn(10s) : twice_after_a_second(n); };
        const auto options = pool_options(2).discard_results().timeout(2s).grace(1s);
        pool jobs(both(s), options, work);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 2);
            co_await weir::async_sleep_for(s.a.get_executor(), 20s);
            BOOST_TEST(jobs.ledger().abandoned == 1U);
            const auto report = co_await jobs.drain(1s);
            BOOST_TEST(report.clean());
            BOOST_TEST(report.ledger.abandoned == 1U);
            BOOST_TEST(report.ledger.ok == 1U);
        });
        run_watching(s, jobs);
        BOOST_TEST((s.elapsed() == 20s));
    });
}

BOOST_AUTO_TEST_SUITE_END()
