// Rare paths of a pool's limits: each of these was once broken without any other test noticing.
#include <weir/flow/pool_options.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::job_options;
using weir::pool_options;
using weir::status;

namespace {
job_options of(const char* key)
{
    return job_options().key(key);
}
weir::retry_policy up_to(weir::duration longest, std::size_t attempts)
{
    return weir::retry_policy(attempts).backoff(weir::backoff(longest, longest, 1));
}
// Takes a second; those from 100 on fail the first time.
struct worker_of {
    simulation& s;
    std::vector<int> order{};
    bool fails = true;
    asio::awaitable<int> operator()(int n)
    {
        order.push_back(n);
        const auto executor = co_await asio::this_coro::executor;
        co_await weir::async_sleep_for(executor, 1s);
        if (n >= 100 && fails) {
            if (n < 200)
                fails = false;
            throw std::runtime_error("no");
        }
        co_return n;
    }
    auto handler()
    {
        return [this](const int& n) { return (*this)(n); };
    }
};
} // namespace

BOOST_AUTO_TEST_SUITE(pool_limit_paths)

BOOST_AUTO_TEST_CASE(a_job_that_a_breaker_refuses_spends_no_start)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        const auto options =
            pool_options(1)
                .rate(weir::rate(1, 1h), 2)
                .breaker(weir::breaker_options().window(1).failures(1).open_for(24h))
                .discard_results();
        int_pool jobs({s.a.get_executor()}, options, w.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            const auto a = of("a");
            const auto b = of("b");
            (void)co_await jobs.async_submit(200, a); // fails: open
            co_await weir::async_sleep_for(s.a.get_executor(), 5s);
            (void)co_await jobs.async_submit(201, a); // refused
            co_await weir::async_sleep_for(s.a.get_executor(), 5s);
            (void)co_await jobs.async_submit(1, b); // has the second token
            co_await weir::async_sleep_for(s.a.get_executor(), 5s);
            BOOST_TEST(w.order.size() == 2U);
            co_await jobs.drain(10h);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(timeouts_open_a_breaker)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        const auto options =
            pool_options(1)
                .timeout(500ms)
                .breaker(weir::breaker_options().window(1).failures(1).open_for(24h))
                .discard_results();
        int_pool jobs({s.a.get_executor()}, options, w.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            const auto a = of("a");
            for (int i = 0; i < 3; ++i) {
                (void)co_await jobs.async_submit(i, a);
                co_await weir::async_sleep_for(s.a.get_executor(), 5s);
            }
            BOOST_TEST(w.order.size() == 1U);
            co_await jobs.drain(1h);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(an_attempt_that_a_drain_does_not_make_is_not_counted)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        int_pool jobs({s.a.get_executor()},
                      pool_options(1).retry(up_to(1000h, 3)).discard_results(), w.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            (void)co_await jobs.async_submit(200, job_options());
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            co_await jobs.drain(10s);
            BOOST_TEST(jobs.ledger().retries == 0U);
            BOOST_TEST(jobs.ledger().failed == 1U);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(the_second_job_of_a_worker_cancels_its_own_sub_jobs)
{
    in_many_orders([](simulation& s) {
        weir::task_pool parents({s.a.get_executor()}, pool_options(1));
        s.spawn([&]() -> asio::awaitable<void> {
            weir::cancel_token of_second;
            auto first =
                co_await parents.async_submit([&](weir::job_context& c) -> asio::awaitable<void> {
                    (void)c.options();
                    co_return;
                });
            (void)co_await first.async_outcome();
            auto second =
                co_await parents.async_submit([&](weir::job_context& c) -> asio::awaitable<void> {
                    of_second = c.options().token();
                    co_await weir::async_sleep_for(s.a.get_executor(), 10s);
                });
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            second.cancel();
            (void)co_await second.async_outcome();
            BOOST_TEST(of_second.cancelled());
            co_await parents.drain(1h);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(jobs_that_wait_for_their_limits_make_newcomers_late)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        int_pool jobs({s.a.get_executor()},
                      pool_options(1).queue(200).per_key(1).reject_late().discard_results(),
                      w.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            const auto a = of("a");
            for (int i = 0; i < 40; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, a)));
            co_await weir::async_sleep_for(s.b.get_executor(), 25500ms);
            const auto soon = of("a").deadline(s.world.now() + 3s);
            BOOST_TEST((jobs.try_submit(99, soon).error() == weir::errc::not_in_time));
            co_await jobs.drain(1h);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_job_has_waited_until_its_first_attempt)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        int_pool jobs({s.a.get_executor()}, pool_options(1).retry(up_to(10s, 3)).timings(),
                      w.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            (void)co_await jobs.async_submit(100, job_options());
            auto out = co_await jobs.results().async_receive();
            BOOST_REQUIRE(out);
            BOOST_TEST(out->attempts() == 2U);
            BOOST_TEST((out->timings()->waited() == 0s));
            co_await jobs.drain(1h);
        });
        s.run();
    });
}

// The cancellation comes in the step in which the first job ends, which grants the share.
BOOST_AUTO_TEST_CASE(a_submitter_cancelled_between_its_share_and_its_place_is_refused)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        int_pool jobs({s.a.get_executor()},
                      pool_options(1).queue(1).key_share(0.5).discard_results(), w.handler());
        asio::cancellation_signal stop;
        BOOST_TEST(bool(jobs.try_submit(0, of("a"))));
        BOOST_TEST(bool(jobs.try_submit(1, of("b"))));
        const auto a = of("a");
        bool ended = false;
        jobs.async_submit(
            7, a,
            asio::bind_cancellation_slot(stop.slot(),
                                         asio::bind_executor(s.a.get_executor(), [&](auto result) {
                                             ended = true;
                                             BOOST_TEST(!result);
                                         })));
        bool emitted = false;
        while (s.world.run_one())
            if (!emitted && jobs.ledger().ok == 1) {
                emitted = true;
                stop.emit(asio::cancellation_type::total);
            }
        BOOST_TEST(emitted);
        BOOST_TEST(ended);
        BOOST_TEST(jobs.ledger().accepted == 2U);
        jobs.close();
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(the_share_of_a_key_grows_with_the_pool)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        int_pool jobs(both(s), pool_options(1).queue(1).key_share(0.5).discard_results(),
                      w.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(0, of("a"))));
            BOOST_TEST(!bool(jobs.try_submit(1, of("a"))));
            jobs.resize(3); // four places
            BOOST_TEST(bool(jobs.try_submit(2, of("a"))));
            BOOST_TEST(!bool(jobs.try_submit(3, of("a"))));
            co_await jobs.drain(1h);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_token_that_is_cancelled_before_the_submit_ends_the_job_at_once)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        int_pool jobs(both(s), pool_options(2).per_key(1), w.handler());
        weir::cancel_source source;
        source.cancel();
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(0, of("a"))));
            BOOST_TEST(bool(jobs.try_submit(1, of("a").token(source.token()))));
            auto out = co_await jobs.results().async_receive();
            BOOST_REQUIRE(out);
            BOOST_TEST((out->status() == status::cancelled));
            BOOST_TEST((s.elapsed() == 0s));
            (void)co_await jobs.results().async_receive();
            co_await jobs.drain(1h);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(the_next_attempt_goes_before_the_others_of_its_key)
{
    in_many_orders([](simulation& s) {
        worker_of w{s};
        int_pool jobs(both(s),
                      pool_options(2).queue(50).per_key(1).retry(up_to(1ms, 3)).discard_results(),
                      w.handler());
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(100, of("a"))));
            for (int i = 0; i < 5; ++i)
                BOOST_TEST(bool(jobs.try_submit(i, of("a"))));
            co_await jobs.drain(1h);
            BOOST_TEST(w.order[2] == 100); // one of the others began while it slept
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(options_for_sub_jobs_have_the_deadline)
{
    in_many_orders([](simulation& s) {
        weir::task_pool parents({s.a.get_executor()}, pool_options(1).timeout(3s));
        s.spawn([&]() -> asio::awaitable<void> {
            auto first =
                co_await parents.async_submit([&](weir::job_context& c) -> asio::awaitable<void> {
                    BOOST_TEST((c.options().deadline() == s.world.now() + 3s));
                    co_return;
                });
            (void)co_await first.async_outcome();
            co_await parents.drain(1h);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_SUITE_END()
