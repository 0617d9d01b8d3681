#include <weir/flow/worker_pool.hpp>

#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <map>
#include <memory>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(worker_pool)

using pool = int_pool;

BOOST_AUTO_TEST_CASE(a_job_past_its_time_is_cancelled_and_the_next_is_not)
{
    in_many_orders([](simulation& s) {
        const auto work = [&](int n) -> asio::awaitable<int> {
            co_await weir::async_sleep_for(co_await asio::this_coro::executor,
                                           n % 2 == 0 ? weir::duration(1h) : weir::duration(1s));
            co_return n;
        };
        pool jobs(both(s), pool_options(1).timeout(10s), work);
        std::map<weir::job_id, status> got;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 4);
            jobs.close();
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::timed_out));
        BOOST_TEST((got[2] == status::ok));
        BOOST_TEST((got[3] == status::timed_out));
        BOOST_TEST((got[4] == status::ok));
        BOOST_TEST((s.elapsed() == 22s));
    });
}

BOOST_AUTO_TEST_CASE(a_value_within_the_grace_is_still_good)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int) { return stubborn(11s); };
        pool jobs(both(s), pool_options(1).timeout(10s).grace(2s), work);
        std::map<weir::job_id, status> got;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 1);
            jobs.close();
            co_await collect(jobs, got);
        });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::ok));
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_hangs_is_abandoned_and_keeps_no_worker)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) { return n == 0 ? stubborn(1h) : stubborn(1s); };
        pool jobs(both(s), pool_options(1).timeout(10s).grace(2s), work);
        std::map<weir::job_id, status> got;
        weir::time_point over;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 3);
            jobs.close();
            co_await collect(jobs, got);
            over = s.world.now();
        });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::abandoned));
        BOOST_TEST((got[2] == status::ok));
        BOOST_TEST((got[3] == status::ok));
        BOOST_TEST((over == weir::time_point{} + 14s)); // the results do not wait for it
        BOOST_TEST((s.elapsed() == 1h));
        BOOST_TEST(jobs.ledger().late == 1U);
    });
}

BOOST_AUTO_TEST_CASE(what_a_job_does_to_its_cancellation_stays_with_it)
{
    in_many_orders([](simulation& s) {
        const auto work = [](int n) -> asio::awaitable<int> {
            const auto executor = co_await asio::this_coro::executor;
            if (n == 0) {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_await asio::this_coro::throw_if_cancelled(false);
                co_return 0;
            }
            co_await weir::async_sleep_for(executor, 1h);
            co_return n;
        };
        pool jobs(both(s), pool_options(1).timeout(10s), work);
        std::map<weir::job_id, status> got;
        s.spawn([&]() -> asio::awaitable<void> {
            co_await feed(jobs, 0, 2);
            jobs.close();
            co_await collect(jobs, got);
        });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::ok));
        BOOST_TEST((got[2] == status::timed_out));
    });
}

// The worker that replaces one that hangs may have another executor, whose context may go before
// that worker has begun.
BOOST_AUTO_TEST_CASE(an_outcome_that_was_given_up_does_not_depend_on_another_context)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        std::map<weir::job_id, status> got;
        const auto keep = [&](weir::outcome<int>&& out) { got[out.id()] = out.status(); };
        {
            weir::sim::world w(seed);
            auto a = std::make_unique<weir::sim::context>(w);
            weir::sim::context b(w);
            const auto hang = [](int) { return stubborn(1h); };
            pool jobs({a->get_executor(), b.get_executor()},
                      pool_options(2).results(0).timeout(1s).grace(1s), hang, keep);
            jobs.resize(1);
            w.run(); // one of the two leaves, at either
            BOOST_TEST(bool(jobs.try_submit(1)));
            while (jobs.ledger().abandoned == 0U)
                BOOST_REQUIRE(w.run_one());
            a.reset();
            BOOST_TEST(jobs.ledger().abandoned == 1U);
        }
        BOOST_TEST(got.size() == 1U);
        BOOST_TEST((got[1] == status::abandoned));
    }
}

BOOST_AUTO_TEST_CASE(a_job_whose_deadline_passes_while_it_waits_never_starts)
{
    in_many_orders([](simulation& s) {
        int started = 0;
        const auto work = [&](int n) -> asio::awaitable<int> {
            ++started;
            return twice_after_a_second(n);
        };
        pool jobs(both(s), pool_options(1).queue(1), work);
        std::map<weir::job_id, status> got;
        const auto by = [&](weir::duration d) {
            return weir::job_options().deadline(weir::time_point{} + d);
        };
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(co_await jobs.async_submit(0)));
            BOOST_TEST(bool(co_await jobs.async_submit(1, by(500ms)))); // will have waited a second
            const auto third = co_await jobs.async_submit(2, by(700ms)); // never gets a place
            BOOST_TEST((third.error() == weir::errc::timed_out));
            BOOST_TEST(bool(co_await jobs.async_submit(3, by(1500ms)))); // cancelled on the way
            jobs.close();
        });
        s.spawn(s.b, [&]() -> asio::awaitable<void> { co_await collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST((got[1] == status::ok));
        BOOST_TEST((got[2] == status::timed_out));
        BOOST_TEST((got[4] == status::timed_out));
        BOOST_TEST(got.size() == 3U);
        BOOST_TEST(started == 2);
        BOOST_TEST((s.elapsed() == 1500ms));
    });
}

BOOST_AUTO_TEST_SUITE_END()
