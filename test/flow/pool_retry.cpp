// Pools that run failed jobs again.
#include <weir/flow/pool_options.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/retry_budget.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;
using weir::errc;
using weir::job_options;
using weir::pool_options;
using weir::retry_policy;
using weir::status;

namespace {

// Waits of up to this length each.
retry_policy up_to(weir::duration longest, std::size_t attempts)
{
    return retry_policy(attempts).backoff(weir::backoff(longest, longest, 1));
}

// A job that fails this often, a second each.
struct shaky {
    int failures = 0;
    int runs = 0;
    std::vector<weir::time_point> starts;
};

asio::awaitable<int> run_shaky(shaky& job, simulation& s)
{
    ++job.runs;
    job.starts.push_back(s.world.now());
    const auto executor = co_await asio::this_coro::executor;
    co_await weir::async_sleep_for(executor, 1s);
    if (job.runs <= job.failures)
        throw std::runtime_error("attempt " + std::to_string(job.runs));
    co_return job.runs;
}

using pool = weir::worker_pool<shaky, int>;

auto handler_in(simulation& s)
{
    return [&s](shaky& job) { return run_shaky(job, s); };
}

shaky failing(int times)
{
    shaky job;
    job.failures = times;
    return job;
}

template <class R>
std::string error_of(weir::outcome<R>& out)
{
    try {
        std::move(out).value();
        return "none";
    } catch (const std::exception& error) {
        return error.what();
    }
}

template <class Pool>
void run_watching_all(simulation& s, const Pool& jobs)
{
    while (s.world.run_one()) {
        const weir::ledger l = jobs.ledger();
        BOOST_REQUIRE_LE(l.started + l.dropped, l.accepted);
        BOOST_REQUIRE_LE(l.finished() + l.retrying, l.started);
    }
    s.run();
    BOOST_TEST(jobs.ledger().balanced());
    BOOST_TEST(jobs.ledger().retrying == 0U);
}

} // namespace

BOOST_AUTO_TEST_SUITE(pool_retry)

BOOST_AUTO_TEST_CASE(a_failed_job_is_run_again_until_it_succeeds)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2).retry(up_to(10s, 5)), handler_in(s));
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(co_await jobs.async_submit(failing(2))));
            BOOST_TEST(bool(co_await jobs.async_submit(failing(0))));
            std::map<int, std::size_t> attempts;
            for (int i = 0; i < 2; ++i) {
                auto out = co_await jobs.results().async_receive();
                BOOST_REQUIRE(out);
                BOOST_TEST((out->status() == status::ok));
                const std::size_t n = out->attempts();
                attempts[std::move(*out).value()] = n;
            }
            const std::map<int, std::size_t> expected{{1, 1}, {3, 3}};
            BOOST_TEST((attempts == expected)); // the job itself was there again
            jobs.close();
            BOOST_TEST(!(co_await jobs.results().async_receive()));
        });
        run_watching_all(s, jobs);
        BOOST_TEST(jobs.ledger().started == 2U);
        BOOST_TEST(jobs.ledger().retries == 2U);
        BOOST_TEST(jobs.ledger().ok == 2U);
        BOOST_TEST(jobs.ledger().failed == 0U);
        BOOST_TEST((s.elapsed() >= 3s));
        BOOST_TEST((s.elapsed() <= 23s));
    });
}

BOOST_AUTO_TEST_CASE(plain_handlers_are_run_again_too)
{
    in_many_orders([](simulation& s) {
        weir::worker_pool<shaky, int> jobs(
            both(s), pool_options(2).retry(up_to(10s, 3)), [](shaky& job) {
                if (++job.runs <= job.failures)
                    throw std::runtime_error("attempt " + std::to_string(job.runs));
                return job.runs;
            });
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 6; ++i)
                BOOST_TEST(bool(jobs.try_submit(failing(i))));
            jobs.close();
            std::map<status, int> ended;
            while (auto out = co_await jobs.results().async_receive()) {
                ++ended[out->status()];
                if (out->status() == status::failed) {
                    BOOST_TEST(out->attempts() == 3U);
                    BOOST_TEST(error_of(*out) == "attempt 3");
                }
            }
            BOOST_TEST(ended[status::ok] == 3);
            BOOST_TEST(ended[status::failed] == 3);
        });
        run_watching_all(s, jobs);
        BOOST_TEST(jobs.ledger().retries == 0U + 1 + 2 + 2 + 2 + 2);
    });
}

BOOST_AUTO_TEST_CASE(an_error_that_is_no_hiccup_is_final)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(2).retry(up_to(10s, 5)));
        s.spawn([&]() -> asio::awaitable<void> {
            int runs = 0;
            auto out = co_await tasks.async_run([&]() -> int {
                ++runs;
                throw std::logic_error("wrong");
            });
            BOOST_TEST((out.status() == status::failed));
            BOOST_TEST(runs == 1);
            BOOST_TEST(out.attempts() == 1U);
            co_await tasks.drain(1s);
        });
        run_watching_all(s, tasks);
    });
}

// While it waits, it has its place and no more: not the worker, not its key.
BOOST_AUTO_TEST_CASE(a_job_that_sleeps_holds_its_place_only)
{
    in_many_orders([](simulation& s) {
        const auto options =
            pool_options(1).queue(1).per_key(1).retry(up_to(1min, 2).budget(nullptr));
        pool jobs({s.a.get_executor()}, options, handler_in(s));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto key = job_options().key("a");
            BOOST_TEST(bool(jobs.try_submit(failing(1), key)));
            co_await weir::async_sleep_for(s.a.get_executor(), 1s + 1ns);
            BOOST_TEST(jobs.ledger().retrying == 1U);
            BOOST_TEST(jobs.ledger().running() == 0U);
            BOOST_TEST(bool(jobs.try_submit(failing(0), key)));
            BOOST_TEST((jobs.try_submit(failing(0), key).error() == errc::full));
            auto first = co_await jobs.results().async_receive();
            BOOST_REQUIRE(first);
            BOOST_TEST((first->id() == 2U || first->attempts() == 2U));
            auto second = co_await jobs.results().async_receive();
            BOOST_REQUIRE(second);
            BOOST_TEST((second->status() == status::ok));
            jobs.close();
        });
        run_watching_all(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 2U);
    });
}

BOOST_AUTO_TEST_CASE(no_attempt_begins_after_the_deadline)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2).retry(up_to(10s, 100)), handler_in(s));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto deadline = s.world.now() + 20s;
            const auto soon = job_options().deadline(deadline);
            BOOST_TEST(bool(co_await jobs.async_submit(failing(1000), soon)));
            auto out = co_await jobs.results().async_receive();
            BOOST_REQUIRE(out);
            // The last attempt ended in time, or met the deadline.
            BOOST_TEST((out->status() == status::failed || out->status() == status::timed_out));
            BOOST_TEST((s.world.now() <= deadline));
            BOOST_TEST(out->attempts() >= 2U);
            jobs.close();
        });
        run_watching_all(s, jobs);
    });
}

BOOST_AUTO_TEST_CASE(a_timeout_counts_for_each_attempt_and_is_final_unless_the_policy_says_so)
{
    in_many_orders([](simulation& s) {
        for (const bool again : {false, true}) {
            auto policy = up_to(1s, 3);
            if (again)
                policy.retry_timed_out();
            weir::task_pool tasks(both(s), pool_options(2).timeout(3s).retry(policy));
            s.spawn([&]() -> asio::awaitable<void> {
                int runs = 0;
                auto out = co_await tasks.async_run([&]() -> asio::awaitable<void> {
                    ++runs;
                    const auto executor = co_await asio::this_coro::executor;
                    co_await weir::async_sleep_for(executor, runs == 3 ? 2s : 1min);
                });
                BOOST_TEST((out.status() == (again ? status::ok : status::timed_out)));
                BOOST_TEST(runs == (again ? 3 : 1));
                co_await tasks.drain(1s);
            });
            run_watching_all(s, tasks);
        }
    });
}

BOOST_AUTO_TEST_CASE(each_attempt_has_sub_jobs_of_its_own)
{
    in_many_orders([](simulation& s) {
        const auto policy = up_to(1s, 3).retry_timed_out();
        weir::worker_pool<int, int> jobs(
            {s.a.get_executor()}, pool_options(1).timeout(1s).retry(policy).discard_results(),
            [](int& runs, weir::job_context& context) -> asio::awaitable<int> {
                const job_options inherited = context.options();
                BOOST_TEST(!inherited.token().cancelled());
                const auto executor = co_await asio::this_coro::executor;
                if (++runs < 3)
                    co_await weir::async_sleep_for(executor, 10s);
                co_return runs;
            });
        BOOST_TEST(bool(jobs.try_submit(0)));
        jobs.close();
        run_watching_all(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 1U);
        BOOST_TEST(jobs.ledger().retries == 2U);
    });
}

BOOST_AUTO_TEST_CASE(a_drain_finishes_sleeps_that_fit)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2).retry(up_to(10s, 3)).discard_results(), handler_in(s));
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 3; ++i)
                BOOST_TEST(bool(co_await jobs.async_submit(failing(2))));
            const auto report = co_await jobs.drain(1h);
            BOOST_TEST(report.clean());
        });
        run_watching_all(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 3U);
    });
}

BOOST_AUTO_TEST_CASE(a_drain_ends_sleeps_that_are_too_long_with_their_error)
{
    in_many_orders([](simulation& s) {
        pool jobs(both(s), pool_options(2).retry(up_to(100h, 3)), handler_in(s));
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(co_await jobs.async_submit(failing(2))));
            BOOST_TEST(bool(co_await jobs.async_submit(failing(0))));
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            const auto report = co_await jobs.drain(10s); // one is running, and then would sleep
            BOOST_TEST(report.complete);
            BOOST_TEST((s.elapsed() == 1s));
        });
        s.spawn([&]() -> asio::awaitable<void> {
            int failed = 0;
            while (auto out = co_await jobs.results().async_receive())
                if (out->status() == status::failed) {
                    ++failed;
                    BOOST_TEST(out->attempts() == 1U);
                    BOOST_TEST(error_of(*out) == "attempt 1");
                }
            BOOST_TEST(failed == 1);
        });
        run_watching_all(s, jobs);
        BOOST_TEST(jobs.ledger().ok == 1U);
    });
}

// The drain comes while it sleeps.
BOOST_AUTO_TEST_CASE(a_drain_and_a_stop_find_sleepers)
{
    in_many_orders([](simulation& s) {
        for (const bool stops : {false, true}) {
            const auto begin = s.world.now();
            pool jobs(both(s), pool_options(2).retry(up_to(1000h, 3)), handler_in(s));
            s.spawn([&]() -> asio::awaitable<void> {
                for (int i = 0; i < 4; ++i)
                    BOOST_TEST(bool(co_await jobs.async_submit(failing(2))));
                co_await weir::async_sleep_for(s.a.get_executor(), 5s);
                BOOST_TEST(jobs.ledger().retrying == 4U);
                if (stops)
                    jobs.stop();
                const auto report = co_await jobs.drain(10s);
                BOOST_TEST(report.complete);
                BOOST_TEST((s.world.now() - begin == 5s));
            });
            s.spawn([&]() -> asio::awaitable<void> {
                int failed = 0;
                while (auto out = co_await jobs.results().async_receive()) {
                    BOOST_TEST((out->status() == status::failed));
                    BOOST_TEST(error_of(*out) == "attempt 1");
                    ++failed;
                }
                BOOST_TEST(failed == 4);
            });
            run_watching_all(s, jobs);
            BOOST_TEST(jobs.ledger().failed == 4U);
        }
    });
}

BOOST_AUTO_TEST_CASE(a_task_that_sleeps_can_be_cancelled)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(2).retry(up_to(1000h, 3)));
        s.spawn([&]() -> asio::awaitable<void> {
            int runs = 0;
            weir::cancel_source source;
            const auto fails = [&]() -> int {
                ++runs;
                throw std::runtime_error("no");
            };
            const auto token = job_options().token(source.token());
            auto by_handle = co_await tasks.async_submit(fails);
            auto by_token = co_await tasks.async_submit(fails, token);
            co_await weir::async_sleep_for(s.b.get_executor(), 5s);
            BOOST_TEST(tasks.ledger().retrying == 2U);
            by_handle.cancel();
            source.cancel(cancel_reason::sibling_failed);
            auto first = co_await by_handle.async_outcome();
            BOOST_TEST((first.status() == status::cancelled));
            BOOST_TEST((first.reason() == cancel_reason::requested));
            BOOST_TEST(first.attempts() == 1U);
            auto second = co_await by_token.async_outcome();
            BOOST_TEST((second.status() == status::cancelled));
            BOOST_TEST((second.reason() == cancel_reason::sibling_failed));
            BOOST_TEST((s.elapsed() == 5s));
            BOOST_TEST(runs == 2);
            co_await tasks.drain(1s);
        });
        run_watching_all(s, tasks);
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_is_cancelled_while_it_sleeps_counts_no_retry)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(
            both(s), pool_options(2).retry(retry_policy(5).backoff(weir::backoff(1h, 1h, 1))));
        int calls = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            auto submitted = tasks.async_submit([&] {
                if (++calls == 1)
                    throw std::runtime_error("no answer");
            });
            auto job = co_await std::move(submitted);
            co_await weir::async_sleep_for(s.a.get_executor(), 1ms);
            job.cancel();
            (void)co_await job.async_outcome();
            tasks.close();
        });
        s.run();
        const weir::ledger l = tasks.ledger();
        BOOST_TEST(l.balanced());
        BOOST_TEST(l.retries == static_cast<std::size_t>(calls - 1));
    });
}

BOOST_AUTO_TEST_CASE(what_was_cancelled_is_not_run_again)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(2).retry(up_to(1s, 5)));
        s.spawn([&]() -> asio::awaitable<void> {
            int runs = 0;
            auto task = co_await tasks.async_submit([&]() -> asio::awaitable<void> {
                ++runs;
                const auto executor = co_await asio::this_coro::executor;
                try {
                    co_await weir::async_sleep_for(executor, 10s);
                } catch (const weir::system_error&) {
                    throw std::runtime_error("its own error, which would be run again");
                }
            });
            co_await weir::async_sleep_for(s.b.get_executor(), 500ms);
            task.cancel();
            const auto out = co_await task.async_outcome();
            BOOST_TEST((out.status() == status::cancelled));
            BOOST_TEST(runs == 1);
            co_await tasks.drain(1s);
        });
        run_watching_all(s, tasks);
    });
}

BOOST_AUTO_TEST_CASE(tasks_are_called_again_without_a_limit_of_workers_too)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(weir::unlimited).retry(up_to(10s, 4)));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto runs = std::make_shared<int>(0);
            auto job = [runs, own = std::make_unique<int>(7)]() -> asio::awaitable<int> {
                const auto executor = co_await asio::this_coro::executor;
                co_await weir::async_sleep_for(executor, 1s);
                if (++*runs < 4)
                    throw std::runtime_error("not yet");
                co_return *own;
            };
            auto out = co_await tasks.async_run(std::move(job));
            BOOST_TEST(out.value() == 7);
            BOOST_TEST(out.attempts() == 4U);
            co_await tasks.drain(1s);
        });
        run_watching_all(s, tasks);
    });
}

BOOST_AUTO_TEST_CASE(each_attempt_counts_for_the_rate)
{
    in_many_orders([](simulation& s) {
        const auto options =
            pool_options(2).rate(weir::rate(1, 1min), 1).retry(up_to(1s, 3)).discard_results();
        weir::worker_pool<int, int> jobs(both(s), options,
                                         [](int&) -> int { throw std::runtime_error("no"); });
        s.spawn([&]() -> asio::awaitable<void> {
            BOOST_TEST(bool(jobs.try_submit(1)));
            BOOST_TEST(bool(jobs.try_submit(2)));
            const auto report = co_await jobs.drain(1h);
            BOOST_TEST(report.complete);
        });
        run_watching_all(s, jobs);
        BOOST_TEST(jobs.ledger().failed == 2U);
        BOOST_TEST((s.elapsed() == 5min)); // six attempts
    });
}

BOOST_AUTO_TEST_CASE(a_budget_bounds_the_retries_of_all)
{
    in_many_orders([](simulation& s) {
        const auto shared = std::make_shared<weir::sliding_retry_budget>(
            weir::retry_budget_options().floor(2).window(1h));
        const auto options = pool_options(2).retry(up_to(1s, 3).budget(shared)).discard_results();
        weir::worker_pool<int, int> jobs(both(s), options,
                                         [](int&) -> int { throw std::runtime_error("no"); });
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 20; ++i)
                BOOST_TEST(bool(jobs.try_submit(i)));
            const auto report = co_await jobs.drain(1h);
            BOOST_TEST(report.complete);
        });
        run_watching_all(s, jobs);
        BOOST_TEST(jobs.ledger().failed == 20U);
        BOOST_TEST(jobs.ledger().retries == 2U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
