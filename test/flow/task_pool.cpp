#include <weir/flow/task_pool.hpp>

#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "flow/pool_jobs.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace weir::test;
using weir::cancel_reason;
using weir::pool_options;
using weir::status;

BOOST_AUTO_TEST_SUITE(task_pool)

BOOST_AUTO_TEST_CASE(any_callable_is_run_and_its_outcome_awaited)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(2));
        s.spawn([&]() -> asio::awaitable<void> {
            auto plain = co_await tasks.async_run([] { return 7; });
            BOOST_TEST(plain.value() == 7);
            auto coroutine = co_await tasks.async_run([] { return slow(8); });
            BOOST_TEST(coroutine.value() == 8);
            auto nothing = co_await tasks.async_run([] {});
            BOOST_TEST(bool(nothing));
            const auto with_context = [](weir::job_context& context) {
                return std::string(context.name());
            };
            auto said = weir::job_options().name("a name");
            auto named = co_await tasks.async_run(with_context, said);
            BOOST_TEST(named.value() == "a name");
            BOOST_TEST(named.name() == "a name");
            auto failed = co_await tasks.async_run([]() -> int { throw std::runtime_error("no"); });
            BOOST_TEST((failed.status() == status::failed));
            BOOST_CHECK_THROW(failed.value(), std::runtime_error);
            auto moved = co_await tasks.async_run([] { return std::make_unique<int>(9); });
            BOOST_TEST(*moved.value() == 9);
            const auto report = co_await tasks.drain(1s);
            BOOST_TEST(report.clean() == true);
            BOOST_TEST(report.ledger.ok == 5U);
            BOOST_TEST(report.ledger.failed == 1U);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(at_most_so_many_run_at_a_time_and_the_rest_wait)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(3).queue(2));
        int running = 0, most = 0, done = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&]() -> asio::awaitable<void> {
                most = std::max(most, ++running);
                co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
                --running;
                ++done;
            };
            for (int i = 0; i < 12; ++i)
                (void)co_await tasks.async_submit(work);
            BOOST_TEST((s.elapsed() >= 2s)); // there was no place before
            co_await tasks.drain(1h);
        });
        s.run();
        BOOST_TEST(most == 3);
        BOOST_TEST(done == 12);
        BOOST_TEST((s.elapsed() == 4s));
    });
}

BOOST_AUTO_TEST_CASE(try_submit_reports_a_full_pool)
{
    simulation s(1);
    weir::task_pool tasks(both(s), pool_options(1).queue(1));
    auto first = tasks.try_submit([] { return 1; });
    BOOST_TEST(bool(first));
    BOOST_TEST(!tasks.try_submit([] { return 2; }));
    s.world.run();
    BOOST_TEST(first.is_done());
    BOOST_TEST(tasks.ledger().rejected == 1U);
    tasks.close();
    s.run();
}

BOOST_AUTO_TEST_CASE(stopping_gives_every_task_an_outcome)
{
    for (const bool unlimited : {false, true})
        in_many_orders(
            [unlimited](simulation& s) {
                weir::task_pool tasks(both(s),
                                      unlimited ? pool_options(weir::unlimited) : pool_options(2));
                int cancelled = 0, dropped = 0;
                s.spawn([&]() -> asio::awaitable<void> {
                    std::vector<weir::task<int>> handles;
                    for (int i = 0; i < 6; ++i)
                        handles.push_back(co_await tasks.async_submit([] { return slow(1); }));
                    co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
                    tasks.stop();
                    for (auto& handle : handles) {
                        auto out = co_await handle.async_outcome();
                        BOOST_TEST((out.reason() == cancel_reason::shutdown));
                        ++(out.status() == status::dropped ? dropped : cancelled);
                    }
                });
                s.run();
                BOOST_TEST(cancelled == (unlimited ? 6 : 2));
                BOOST_TEST(dropped == (unlimited ? 0 : 4));
                BOOST_TEST((s.elapsed() == 500ms));
            },
            100);
}

BOOST_AUTO_TEST_CASE(a_hanging_task_is_abandoned_and_its_waiter_gets_the_outcome)
{
    for (const bool unlimited : {false, true})
        in_many_orders(
            [unlimited](simulation& s) {
                const auto stubborn = []() -> asio::awaitable<int> {
                    const auto executor = co_await asio::this_coro::executor;
                    co_await asio::this_coro::reset_cancellation_state(
                        asio::disable_cancellation());
                    co_await weir::async_sleep_for(executor, 1h);
                    co_return 1;
                };
                const weir::limit limit = unlimited ? weir::unlimited : weir::limit(1);
                weir::task_pool tasks(both(s), pool_options(limit).timeout(2s).grace(1s));
                s.spawn([&]() -> asio::awaitable<void> {
                    auto out = co_await tasks.async_run(stubborn);
                    BOOST_TEST((out.status() == status::abandoned));
                    BOOST_TEST((s.elapsed() == 3s));
                    auto next = co_await tasks.async_run([] { return 2; }); // its slot is free
                    BOOST_TEST(next.value() == 2);
                    tasks.close();
                });
                s.run();
                BOOST_TEST((s.elapsed() == 1h));
                BOOST_TEST(tasks.ledger().late == 1U);
            },
            100);
}

BOOST_AUTO_TEST_CASE(what_an_abandoned_task_returns_late_is_discarded)
{
    const auto stubborn = []() -> asio::awaitable<int> {
        const auto executor = co_await asio::this_coro::executor;
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await weir::async_sleep_for(executor, 1h);
        co_return 1;
    };
    for (const bool unlimited : {false, true})
        in_many_orders([&](simulation& s) {
            const weir::limit limit = unlimited ? weir::unlimited : weir::limit(1);
            weir::task_pool tasks(both(s), pool_options(limit).timeout(2s).grace(1s));
            auto handle = tasks.try_submit(stubborn);
            tasks.close();
            s.run();
            BOOST_TEST((s.elapsed() == 1h)); // it has returned by now
            bool told = false;
            s.spawn([&]() -> asio::awaitable<void> {
                auto out = co_await handle.async_outcome();
                BOOST_TEST((out.status() == status::abandoned));
                BOOST_CHECK_THROW(out.value(), weir::system_error);
                told = true;
            });
            s.run();
            BOOST_TEST(told);
        });
}

// If the `run` of a context returned while a job runs there, the job would never end.
BOOST_AUTO_TEST_CASE(a_job_keeps_its_context_running_whatever_it_waits_for)
{
    for (const bool unlimited : {false, true}) {
        asio::io_context context(1);
        std::function<void()> parked;
        const auto wait_for_something = [&parked]() -> asio::awaitable<int> {
            // Asio does not know of this wait.
            co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
                [&parked](auto handler) {
                    auto kept = std::make_shared<decltype(handler)>(std::move(handler));
                    parked = [kept] { std::move (*kept)(); };
                },
                asio::use_awaitable);
            co_return 1;
        };
        const weir::limit limit = unlimited ? weir::unlimited : weir::limit(1);
        weir::task_pool tasks({context.get_executor()}, pool_options(limit));
        auto handle = tasks.try_submit(wait_for_something);
        tasks.close();
        context.poll();
        BOOST_TEST(!context.stopped());
        asio::post(context, parked);
        parked = nullptr;
        context.run();
        BOOST_TEST(handle.is_done());
    }
}

BOOST_AUTO_TEST_CASE(a_wait_for_an_outcome_that_is_cancelled_leaves_the_job_alone)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1));
        auto handle = tasks.try_submit([] { return slow(5); });
        asio::cancellation_signal signal;
        weir::error_code code;
        handle.async_outcome(asio::bind_cancellation_slot(
            signal.slot(), [&](weir::error_code error, weir::outcome<int>) { code = error; }));
        signal.emit(asio::cancellation_type::total);
        s.spawn([&]() -> asio::awaitable<void> {
            auto out = co_await handle.async_outcome();
            BOOST_TEST(out.value() == 5);
            tasks.close();
        });
        s.run();
        BOOST_TEST(code == asio::error::operation_aborted);
    });
}

BOOST_AUTO_TEST_CASE(a_submit_past_its_deadline_is_not_accepted)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1).queue(1));
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 3; ++i) {
                auto said = weir::job_options().deadline(weir::time_point{} + 500ms);
                auto submit = tasks.async_submit([] { return slow(1); }, said,
                                                 asio::as_tuple(asio::use_awaitable));
                const auto result = co_await std::move(submit);
                if (std::get<0>(result))
                    BOOST_TEST((std::get<0>(result) == weir::errc::timed_out));
            }
            const auto report = co_await tasks.drain(1h);
            BOOST_TEST(report.complete);
            BOOST_TEST(report.ledger.timed_out == report.ledger.accepted);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 500ms));
    });
}

BOOST_AUTO_TEST_CASE(the_limit_may_come_and_go)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks(both(s), pool_options(1));
        s.spawn([&]() -> asio::awaitable<void> {
            for (int i = 0; i < 4; ++i)
                (void)co_await tasks.async_submit([] { return slow(1); });
            tasks.resize(weir::unlimited);
            for (int i = 0; i < 10; ++i)
                (void)co_await tasks.async_submit([] { return slow(1); });
            co_await weir::async_sleep_for(s.a.get_executor(), 1500ms);
            BOOST_TEST(tasks.ledger().ok >= 11U);
            tasks.resize(2);
            const auto report = co_await tasks.drain(1h);
            BOOST_TEST(report.ledger.ok == 14U);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(a_pool_destroyed_in_the_middle_still_reports_every_task)
{
    in_many_orders([](simulation& s) {
        auto tasks = std::make_unique<weir::task_pool>(both(s), pool_options(2));
        int told = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            std::vector<weir::task<int>> handles;
            for (int i = 0; i < 6; ++i)
                handles.push_back(co_await tasks->async_submit([] { return slow(1); }));
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            tasks.reset();
            for (auto& handle : handles) {
                auto out = co_await handle.async_outcome();
                told += out ? 0 : 1;
            }
        });
        s.run();
        BOOST_TEST(told == 6);
    });
}

BOOST_AUTO_TEST_CASE(whether_a_job_throws_when_cancelled_stays_with_it)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks({s.a.get_executor()}, pool_options(1).timeout(1s).grace(1s));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto silent = []() -> asio::awaitable<void> {
                co_await asio::this_coro::throw_if_cancelled(false);
            };
            const auto stays = []() -> asio::awaitable<void> {
                const auto executor = co_await asio::this_coro::executor;
                co_await weir::async_sleep_for(executor, 1h, asio::as_tuple(asio::use_awaitable));
                co_await weir::async_sleep_for(executor, 1h); // does not even begin
            };
            BOOST_TEST(bool(co_await tasks.async_run(silent)));
            const auto out = co_await tasks.async_run(stays);
            BOOST_TEST((out.status() == status::timed_out));
            tasks.close();
        });
        s.run();
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(what_a_job_left_in_its_cancellation_slot_is_gone_with_it)
{
    in_many_orders([](simulation& s) {
        weir::task_pool tasks({s.a.get_executor()}, pool_options(1).queue(4));
        const auto alive = std::make_shared<int>();
        const auto leaves = [&]() -> asio::awaitable<void> {
            const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
            state.slot().assign([alive](asio::cancellation_type) {});
        };
        const auto nothing = []() -> asio::awaitable<void> { co_return; };
        long left = 0;
        (void)tasks.try_submit(nothing);
        (void)tasks.try_submit(leaves);
        (void)tasks.try_submit([&] { left = alive.use_count(); });
        tasks.close();
        s.run();
        BOOST_TEST(left == 1);
    });
}

BOOST_AUTO_TEST_CASE(a_name_a_key_or_a_deadline_alone_stays_with_the_job)
{
    for (const bool unlimited : {false, true})
        in_many_orders(
            [unlimited](simulation& s) {
                const weir::limit limit = unlimited ? weir::unlimited : weir::limit(1);
                weir::task_pool tasks(both(s), pool_options(limit));
                s.spawn([&]() -> asio::awaitable<void> {
                    const auto named = weir::job_options().name("a name");
                    const auto with_name = co_await tasks.async_run([] { return 1; }, named);
                    BOOST_TEST(with_name.name() == "a name");
                    const auto keyed = weir::job_options().key("a key");
                    const auto with_key = co_await tasks.async_run([] { return 2; }, keyed);
                    BOOST_TEST(with_key.key() == "a key");
                    const auto due = weir::job_options().deadline(weir::time_point{} + 500ms);
                    const auto late = co_await tasks.async_run([] { return slow(3); }, due);
                    BOOST_TEST((late.status() == status::timed_out));
                    tasks.close();
                });
                s.run();
                BOOST_TEST((s.elapsed() == 500ms));
            },
            50);
}

// ---- the handler's allocator

/// A paused pool with a full queue: whatever waits does so until `finish`.
template <class Begin>
struct paused_and_full {
    paused_and_full(asio::any_io_executor executor, Begin b)
        : tasks(std::make_unique<weir::task_pool>(
              std::vector<asio::any_io_executor>(1, std::move(executor)),
              pool_options(weir::paused).queue(1))),
          first(tasks->try_submit([] {})), how(std::move(b))
    {
        BOOST_TEST(bool(first));
    }

    template <class Handler>
    void begin(Handler handler)
    {
        how(*tasks, first, std::move(handler));
    }

    std::unique_ptr<weir::task_pool> tasks;
    weir::task<void> first;
    Begin how;
};

template <class Begin>
void frees_its_memory_in_a_full_pool(Begin begin)
{
    frees_its_memory_before_its_handler_runs(
        [&](asio::any_io_executor executor) {
            return paused_and_full<Begin>(std::move(executor), begin);
        },
        [](paused_and_full<Begin>& held) {
            held.tasks->resize(1);
            held.tasks->close();
        });
}

BOOST_AUTO_TEST_CASE(a_submit_frees_its_memory_before_its_handler_runs)
{
    frees_its_memory_in_a_full_pool([](weir::task_pool& tasks, weir::task<void>&, auto handler) {
        tasks.async_submit([] {}, std::move(handler));
    });
}

BOOST_AUTO_TEST_CASE(a_run_frees_its_memory_before_its_handler_runs)
{
    frees_its_memory_in_a_full_pool([](weir::task_pool& tasks, weir::task<void>&, auto handler) {
        tasks.async_run([] {}, std::move(handler));
    });
}

BOOST_AUTO_TEST_CASE(a_wait_for_an_outcome_frees_its_memory_before_its_handler_runs)
{
    frees_its_memory_in_a_full_pool([](weir::task_pool&, weir::task<void>& first, auto handler) {
        first.async_outcome(std::move(handler));
    });
}

BOOST_AUTO_TEST_SUITE_END()
