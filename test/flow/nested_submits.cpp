// Jobs that submit jobs, and submitters whose handler submits again: nothing runs inside a submit.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::pool_options;

namespace {

constexpr int deep = 10'000;

/// How deep calls are nested, and the deepest so far.
class nesting {
public:
    class level {
    public:
        explicit level(nesting& n) : nesting_(n)
        {
            nesting_.deepest_ = std::max(nesting_.deepest_, ++nesting_.now_);
        }
        level(const level&) = delete;
        level& operator=(const level&) = delete;
        ~level() { --nesting_.now_; }

    private:
        nesting& nesting_;
    };

    int deepest() const noexcept { return deepest_; }

private:
    int now_ = 0;
    int deepest_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(nested_submits)

BOOST_AUTO_TEST_CASE(without_a_limit_a_coroutine_job_does_not_start_inside_the_submit)
{
    simulation s(1);
    weir::task_pool tasks({s.a.get_executor()}, pool_options(weir::unlimited));
    nesting calls;
    int left = deep;
    std::function<asio::awaitable<void>()> job = [&]() -> asio::awaitable<void> {
        const nesting::level here(calls);
        if (--left > 0)
            (void)tasks.try_submit(job);
        co_return;
    };
    s.spawn([&]() -> asio::awaitable<void> {
        (void)tasks.try_submit(job);
        BOOST_TEST(left == deep); // not begun
        co_return;
    });
    s.world.run();
    tasks.close();
    s.run();
    BOOST_TEST(left == 0);
    BOOST_TEST(calls.deepest() == 1);
    BOOST_TEST(tasks.ledger().ok == static_cast<unsigned>(deep));
}

BOOST_AUTO_TEST_CASE(a_job_that_its_caller_runs_does_not_run_inside_the_submit)
{
    simulation s(1);
    const auto done = [](int n) -> asio::awaitable<int> { co_return n; };
    const auto options = pool_options(weir::paused)
                             .queue(1)
                             .when_full(weir::overflow::caller_runs)
                             .discard_results();
    int_pool jobs({s.b.get_executor()}, options, done);
    BOOST_TEST(bool(jobs.try_submit(0))); // full from here on
    nesting calls;
    int left = deep;
    std::function<void()> submit;
    const auto on_submitted = [&](const weir::submit_result<int>& result) {
        BOOST_TEST(bool(result));
        const nesting::level here(calls);
        if (--left > 0)
            submit();
    };
    submit = [&] {
        const int before = left;
        jobs.async_submit(left, asio::bind_executor(s.a.get_executor(), on_submitted));
        BOOST_TEST(left == before); // the handler has not run
    };
    s.spawn([&]() -> asio::awaitable<void> {
        submit();
        co_return;
    });
    s.world.run();
    BOOST_TEST(left == 0);
    BOOST_TEST(calls.deepest() == 1);
    jobs.stop();
    s.run();
    BOOST_TEST(jobs.ledger().ok == static_cast<unsigned>(deep));
}

// The constructor and `resize` start workers; what they find in the queue does not run inside.
BOOST_AUTO_TEST_CASE(no_job_runs_inside_a_resize)
{
    simulation s(1);
    int ran = 0;
    weir::task_pool tasks({s.a.get_executor()}, pool_options(weir::paused));
    s.spawn([&]() -> asio::awaitable<void> {
        (void)tasks.try_submit([&] { ++ran; });
        tasks.resize(1);
        BOOST_TEST(ran == 0);
        const auto report = co_await tasks.drain(1s);
        BOOST_TEST(report.clean());
    });
    s.run();
    BOOST_TEST(ran == 1);
}

// What waited while the pool was paused, in the queue and for a place in it, starts at once.
BOOST_AUTO_TEST_CASE(a_paused_pool_made_unlimited_runs_what_waited)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(weir::paused).queue(2));
        int sum = 0;
        for (int i = 1; i <= 6; ++i)
            s.spawn([&tasks, &sum, i]() -> asio::awaitable<void> {
                const auto work = [i] { return slow(i); };
                auto out = co_await tasks.async_run(work);
                sum += out.value();
            });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), s.world.choose(2) * 1s);
            tasks.resize(weir::unlimited);
            co_await weir::async_sleep_for(s.a.get_executor(), 1h);
            tasks.close();
        });
        s.run();
        BOOST_TEST(sum == 21);
        BOOST_TEST((s.elapsed() == 1h || s.elapsed() == 1h + 1s));
        BOOST_TEST(tasks.ledger().ok == 6U);
        BOOST_TEST(tasks.ledger().balanced());
        BOOST_TEST(tasks.ledger().accepted == 6U);
    });
}

// A pool with workers that becomes unlimited does not go on one job per worker.
BOOST_AUTO_TEST_CASE(a_pool_made_unlimited_starts_what_waits_for_its_workers)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1).queue(10));
        int ended = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&]() -> asio::awaitable<void> {
                co_await weir::async_sleep_for(co_await asio::this_coro::executor, 10s);
                ++ended;
            };
            for (int i = 0; i < 5; ++i)
                (void)co_await tasks.async_submit(work);
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            tasks.resize(weir::unlimited);
            co_await weir::async_sleep_for(s.a.get_executor(), 11s);
            BOOST_TEST(ended == 5);
            const auto report = co_await tasks.drain(1h);
            BOOST_TEST(report.clean());
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_made_unlimited_and_is_stopped_drops_what_it_had)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(weir::paused).queue(3));
        for (int i = 0; i < 3; ++i)
            (void)tasks.try_submit([] { return slow(1); });
        s.world.at_some_step([&] { tasks.resize(weir::unlimited); });
        s.world.at_some_step([&] { tasks.stop(); });
        s.run();
        const weir::ledger l = tasks.ledger();
        BOOST_TEST(l.balanced());
        BOOST_TEST(l.accepted == 3U);
        BOOST_TEST(l.ok + l.dropped + l.cancelled == 3U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
