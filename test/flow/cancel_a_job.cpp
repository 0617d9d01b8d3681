// One job is cancelled, by its task, a token, or the run that waits for it; the others go on.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "flow/int_pool.hpp"
#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;
using weir::job_options;
using weir::pool_options;
using weir::status;

namespace {

template <class Body>
void with_and_without_a_limit(Body body)
{
    for (const weir::limit limit : {weir::limit(1), weir::unlimited})
        in_many_orders([&](simulation& s) { body(s, limit); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(cancel_a_job)

BOOST_AUTO_TEST_CASE(a_running_job_is_cancelled_by_its_task)
{
    with_and_without_a_limit([](simulation& s, weir::limit limit) {
        weir::task_pool tasks(both(s), pool_options(limit));
        s.spawn([&]() -> asio::awaitable<void> {
            auto handle = co_await tasks.async_submit([] { return slow(7); });
            co_await weir::async_sleep_for(s.a.get_executor(), 300ms);
            handle.cancel(cancel_reason::overload);
            handle.cancel(); // the first reason stays
            auto out = co_await handle.async_outcome();
            BOOST_TEST((s.elapsed() == 300ms));
            BOOST_TEST((out.status() == status::cancelled));
            BOOST_TEST((out.reason() == cancel_reason::overload));
            handle.cancel(); // it has ended
            auto next = co_await tasks.async_run([] { return slow(8); });
            BOOST_TEST(next.value() == 8);
            const auto report = co_await tasks.drain(1s);
            BOOST_TEST(report.clean());
            BOOST_TEST(report.ledger.cancelled == 1U);
            BOOST_TEST(report.ledger.failed == 0U);
            BOOST_TEST(report.ledger.ok == 1U);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_queued_job_that_is_cancelled_never_starts)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1));
        s.spawn([&]() -> asio::awaitable<void> {
            int started = 0;
            auto first = co_await tasks.async_submit([] { return slow(1); });
            const auto plain = [&] { ++started; };
            auto second = co_await tasks.async_submit(plain);
            const auto coroutine = [&]() -> asio::awaitable<void> {
                ++started;
                co_return;
            };
            auto third = co_await tasks.async_submit(coroutine);
            auto last = co_await tasks.async_submit([] { return 4; });
            second.cancel();
            third.cancel(cancel_reason::shutdown);
            const auto two = co_await second.async_outcome();
            const auto three = co_await third.async_outcome();
            auto four = co_await last.async_outcome();
            BOOST_TEST((two.status() == status::cancelled));
            BOOST_TEST((two.reason() == cancel_reason::requested));
            BOOST_TEST((three.reason() == cancel_reason::shutdown));
            BOOST_TEST(four.value() == 4);
            BOOST_TEST(started == 0);
            const auto one = co_await first.async_outcome();
            BOOST_TEST(bool(one));
            const auto report = co_await tasks.drain(1s);
            BOOST_TEST(report.ledger.balanced());
            BOOST_TEST(report.ledger.cancelled == 2U);
        });
        s.run();
    });
}

// In every order: the job has one outcome, and it is cancelled unless it had its value first.
BOOST_AUTO_TEST_CASE(a_job_is_cancelled_at_any_moment)
{
    for (const weir::limit limit : {weir::limit(1), weir::unlimited})
        in_many_orders(
            [&](simulation& s) {
                weir::task_pool tasks(both(s), pool_options(limit));
                std::vector<weir::task<int>> handles;
                for (int i = 0; i < 3; ++i)
                    handles.push_back(tasks.try_submit([i] { return slow(i); }));
                for (auto& handle : handles)
                    s.world.at_some_step([&handle] { handle.cancel(); });
                int ended = 0;
                for (auto& handle : handles)
                    handle.async_outcome([&](weir::error_code, weir::outcome<int> out) {
                        ++ended;
                        BOOST_TEST(
                            (out.status() == status::ok || out.status() == status::cancelled));
                    });
                s.world.run();
                tasks.close();
                s.run();
                BOOST_TEST(ended == 3);
                BOOST_TEST(tasks.ledger().balanced());
                BOOST_TEST(tasks.ledger().ok + tasks.ledger().cancelled == 3U);
            },
            500);
}

// The request crosses to the worker; by then it may have ended this job and begun the next.
BOOST_AUTO_TEST_CASE(a_job_that_is_cancelled_at_any_moment_takes_no_other_with_it)
{
    in_many_orders(
        [](simulation& s) {
            weir::task_pool tasks(both(s), pool_options(1));
            std::vector<weir::task<int>> handles;
            for (int i = 0; i < 3; ++i)
                handles.push_back(tasks.try_submit([i] { return slow(i); }));
            s.world.at_some_step([&handles] { handles.front().cancel(); });
            std::vector<status> ends(3, status::dropped);
            for (std::size_t i = 0; i < 3; ++i)
                handles[i].async_outcome([&ends, i](weir::error_code, weir::outcome<int> out) {
                    ends[i] = out.status();
                });
            s.world.run();
            tasks.close();
            s.run();
            BOOST_TEST((ends[0] == status::ok || ends[0] == status::cancelled));
            BOOST_TEST((ends[1] == status::ok));
            BOOST_TEST((ends[2] == status::ok));
        },
        500);
}

BOOST_AUTO_TEST_CASE(a_plain_job_can_ask_whether_it_was_cancelled)
{
    simulation s(1);
    weir::task_pool tasks(both(s), pool_options(1));
    weir::task<int> handle;
    weir::cancel_source source;
    const auto by_task = [&](weir::job_context& context) -> int {
        BOOST_TEST(!context.cancelled());
        handle.cancel(); // as another thread would
        BOOST_TEST((context.reason() == cancel_reason::requested));
        throw std::runtime_error("stopped half way");
    };
    const auto by_token = [&](weir::job_context& context) -> int {
        source.cancel(cancel_reason::overload);
        BOOST_TEST((context.reason() == cancel_reason::overload));
        throw std::runtime_error("stopped half way");
    };
    handle = tasks.try_submit(by_task);
    s.world.run();
    auto second = tasks.try_submit(by_token, job_options().token(source.token()));
    s.world.run();
    BOOST_TEST(tasks.ledger().cancelled == 2U);
    BOOST_TEST(tasks.ledger().failed == 0U);
    tasks.close();
    s.run();
}

BOOST_AUTO_TEST_CASE(a_token_cancels_the_jobs_that_have_it)
{
    in_many_orders([](simulation& s) {
        int_pool jobs(both(s), pool_options(2), twice_after_a_second);
        weir::cancel_source source;
        std::map<weir::job_id, status> got;
        for (int i = 0; i < 4; ++i)
            BOOST_TEST(bool(jobs.try_submit(i, job_options().token(source.token()))));
        BOOST_TEST(bool(jobs.try_submit(5)));
        jobs.close();
        const weir::alarm later(s.a.get_executor(), weir::time_point{} + 500ms,
                                [&] { source.cancel(); });
        s.spawn([&] { return collect(jobs, got); });
        run_watching(s, jobs);
        BOOST_TEST(jobs.ledger().cancelled == 4U);
        BOOST_TEST(jobs.ledger().started == 5U);
        BOOST_TEST(jobs.ledger().ok == 1U);
        BOOST_TEST((s.elapsed() == 1500ms));
    });
}

BOOST_AUTO_TEST_CASE(a_token_may_be_cancelled_before_the_job_comes)
{
    simulation s(1);
    weir::task_pool tasks(both(s), pool_options(weir::unlimited));
    weir::cancel_source source;
    source.cancel(cancel_reason::shutdown);
    auto handle = tasks.try_submit([] { return slow(1); }, job_options().token(source.token()));
    s.world.run();
    BOOST_TEST(handle.is_done());
    BOOST_TEST((s.elapsed() == 0s));
    BOOST_TEST(tasks.ledger().cancelled == 1U);
    tasks.close();
    s.run();
}

// A token that outlives the job leaves nothing behind it.
BOOST_AUTO_TEST_CASE(a_token_cancelled_after_the_job_does_not_reach_the_next_one)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks({s.a.get_executor()}, pool_options(1));
        s.spawn([&]() -> asio::awaitable<void> {
            weir::cancel_source source;
            auto options = job_options().token(source.token());
            auto first = co_await tasks.async_run([] { return slow(1); }, options);
            BOOST_TEST(first.value() == 1);
            auto second = co_await tasks.async_submit([] { return slow(2); });
            source.cancel();
            auto out = co_await second.async_outcome();
            BOOST_TEST(out.value() == 2);
            tasks.close();
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_run_cancels_its_job_when_asked_to)
{
    for (const bool asked : {false, true})
        in_many_orders([asked](simulation& s) {
            weir::task_pool tasks(both(s), pool_options(1));
            asio::cancellation_signal signal;
            weir::error_code code;
            const auto on_end = [&](weir::error_code error, weir::outcome<int>) { code = error; };
            auto options = job_options();
            if (asked)
                options.cancel_with_run();
            tasks.async_run([] { return slow(1); }, options,
                            asio::bind_cancellation_slot(signal.slot(), on_end));
            const weir::alarm later(s.a.get_executor(), weir::time_point{} + 500ms,
                                    [&] { signal.emit(asio::cancellation_type::total); });
            s.world.run();
            BOOST_TEST(code == asio::error::operation_aborted);
            BOOST_TEST((s.elapsed() == (asked ? 500ms : 1s)));
            BOOST_TEST(tasks.ledger().cancelled == (asked ? 1U : 0U));
            BOOST_TEST(tasks.ledger().failed == 0U);
            tasks.close();
            s.run();
        });
}

// Before anything else has run.
BOOST_AUTO_TEST_CASE(a_run_that_is_cancelled_at_once_is_aborted)
{
    for (const weir::limit limit : {weir::limit(1), weir::limit(weir::unlimited)})
        in_many_orders([limit](simulation& s) {
            weir::task_pool tasks(both(s), pool_options(limit));
            asio::cancellation_signal signal;
            weir::error_code code;
            bool inside = true;
            const auto on_end = [&](weir::error_code error, weir::outcome<int>) {
                BOOST_TEST(!inside);
                code = error;
            };
            tasks.async_run([] { return slow(1); }, job_options().cancel_with_run(),
                            asio::bind_cancellation_slot(signal.slot(), on_end));
            signal.emit(asio::cancellation_type::total);
            inside = false;
            s.world.run();
            BOOST_TEST(code == asio::error::operation_aborted);
            BOOST_TEST((s.elapsed() == 0s));
            BOOST_TEST(tasks.ledger().cancelled == 1U);
            tasks.close();
            s.run();
        });
}

BOOST_AUTO_TEST_CASE(a_task_outlives_its_pool_and_may_still_be_cancelled)
{
    simulation s(1);
    weir::task<int> handle;
    {
        weir::task_pool tasks(both(s), pool_options(1));
        handle = tasks.try_submit([] { return stubborn(1s); });
        while (tasks.ledger().started == 0U)
            s.world.run_one();
    }
    handle.cancel();
    s.run();
    BOOST_TEST(handle.is_done());
    handle.cancel();
    weir::task<int>().cancel(); // there is no job
    s.run();
}

BOOST_AUTO_TEST_SUITE_END()
