// Pools over executors that several threads run: each worker is in a strand of its own.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/run/assume_serial.hpp>
#include <weir/time/sleep.hpp>

#include "four_threads.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::pool_options;
using weir::test::on_four_threads;

namespace {

/// Suspends in an operation of weir, in one of Asio, and not at all. What it keeps is its own
/// worker's: without a strand it would be a race.
asio::awaitable<int> mixed(int n)
{
    const auto executor = co_await asio::this_coro::executor;
    int steps = 0;
    if (n % 3 == 0) {
        co_await weir::async_sleep_for(executor, 50us, asio::use_awaitable);
        ++steps;
    }
    if (n % 2 == 0) {
        asio::steady_timer timer(executor, 20us);
        co_await timer.async_wait(asio::use_awaitable);
        ++steps;
    }
    co_await asio::post(executor, asio::use_awaitable);
    co_return n + 0 * steps;
}

} // namespace

BOOST_AUTO_TEST_SUITE(pool_executors)

BOOST_AUTO_TEST_CASE(a_worker_pool_over_four_threads_runs_every_job_once)
{
    on_four_threads([](const asio::any_io_executor& where) {
        constexpr int n = 4'000;
        weir::worker_pool<int, int> jobs({where}, pool_options(8).queue(16).results(16), mixed);
        std::atomic<long> sum{0};
        std::atomic<int> ended{0};
        const auto feed = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < n; ++i)
                (void)co_await jobs.async_submit(i, asio::use_awaitable);
            jobs.close();
        };
        const auto receive = [&]() -> asio::awaitable<void> {
            while (auto out = co_await jobs.results().async_receive(asio::use_awaitable)) {
                sum += out->value();
                ++ended;
            }
        };
        auto fed = asio::co_spawn(where, feed, asio::use_future);
        auto one = asio::co_spawn(where, receive, asio::use_future);
        auto two = asio::co_spawn(where, receive, asio::use_future);
        fed.get();
        one.get();
        two.get();
        BOOST_TEST(ended == n);
        BOOST_TEST(sum == n * (n - 1L) / 2);
        BOOST_TEST(jobs.ledger().balanced());
        BOOST_TEST(jobs.ledger().ok == static_cast<unsigned>(n));
    });
}

// Plain handlers run at the same time there, as many as there are workers and threads.
BOOST_AUTO_TEST_CASE(plain_handlers_over_four_threads_run_side_by_side)
{
    on_four_threads([](const asio::any_io_executor& where) {
        std::atomic<int> inside{0};
        const auto meet = [&](int) { // ends when another one runs beside it
            ++inside;
            while (inside < 2)
                std::this_thread::yield();
        };
        // Of an io_context it is not known how many run it.
        const auto options = pool_options(2).discard_results().inline_on_runners();
        weir::worker_pool<int, void> jobs({where}, options, meet);
        BOOST_TEST(bool(jobs.try_submit(1)));
        BOOST_TEST(bool(jobs.try_submit(2)));
        const auto report = asio::co_spawn(where, jobs.drain(1h), asio::use_future).get();
        BOOST_TEST(report.clean());
        BOOST_TEST(report.ledger.ok == 2U);
    });
}

BOOST_AUTO_TEST_CASE(timeouts_deadlines_and_a_drain_over_four_threads)
{
    on_four_threads([](const asio::any_io_executor& where) {
        weir::task_pool tasks({where}, pool_options(16).queue(64).timeout(2ms).grace(1h));
        std::atomic<int> timed_out{0}, ok{0}, other{0};
        const auto client = [&](int from) -> asio::awaitable<void> {
            for (int i = from; i < from + 100; ++i) {
                const auto length = i % 2 == 0 ? 100us : std::chrono::microseconds(1h);
                const auto work = [length]() -> asio::awaitable<void> {
                    const auto executor = co_await asio::this_coro::executor;
                    co_await weir::async_sleep_for(executor, length, asio::use_awaitable);
                };
                const auto out = co_await tasks.async_run(work, asio::use_awaitable);
                if (out.status() == weir::status::timed_out)
                    ++timed_out;
                else
                    ++(out ? ok : other);
            }
        };
        std::vector<std::future<void>> clients;
        for (int i = 0; i < 8; ++i)
            clients.push_back(asio::co_spawn(where, client(100 * i), asio::use_future));
        for (auto& each : clients)
            each.get();
        BOOST_TEST(timed_out >= 400);
        BOOST_TEST(timed_out + ok == 800);
        BOOST_TEST(other == 0);
        const auto report = asio::co_spawn(where, tasks.drain(1h), asio::use_future).get();
        BOOST_TEST(report.clean());
    });
}

BOOST_AUTO_TEST_CASE(without_a_limit_over_four_threads_every_job_ends_once)
{
    on_four_threads([](const asio::any_io_executor& where) {
        weir::task_pool tasks({where}, pool_options(weir::unlimited));
        std::atomic<int> ended{0};
        for (int i = 0; i < 2'000; ++i)
            (void)tasks.try_submit([i, &ended]() -> asio::awaitable<void> {
                (void)co_await mixed(i);
                ++ended;
            });
        const auto report = asio::co_spawn(where, tasks.drain(1h), asio::use_future).get();
        BOOST_TEST(report.clean());
        BOOST_TEST(ended == 2'000);
    });
}

BOOST_AUTO_TEST_CASE(the_limit_may_change_and_the_pool_stop_over_four_threads)
{
    on_four_threads([](const asio::any_io_executor& where) {
        for (int round = 0; round < 20; ++round) {
            weir::task_pool tasks({where}, pool_options(1).queue(32));
            std::vector<weir::task<int>> handles;
            for (int i = 0; i < 32; ++i) {
                handles.push_back(tasks.try_submit([i] { return mixed(i); }));
                if (i % 4 == 0)
                    tasks.resize(i % 3 == 0 ? weir::limit(weir::unlimited) : weir::limit(1 + i));
            }
            tasks.stop();
            for (auto& handle : handles)
                if (handle) {
                    const auto out = handle.async_outcome(asio::use_future).get();
                    BOOST_TEST(out.id() == handle.id());
                }
            const auto report = asio::co_spawn(where, tasks.drain(1h), asio::use_future).get();
            BOOST_TEST(report.complete);
        }
    });
}

// Where the caller's executor is not serial, its job is in a strand there.
BOOST_AUTO_TEST_CASE(a_caller_on_four_threads_runs_its_job)
{
    on_four_threads([](const asio::any_io_executor& where) {
        const auto options = pool_options(2).queue(1).when_full(weir::overflow::caller_runs);
        weir::worker_pool<int, int> jobs({where}, pool_options(options).discard_results(), mixed);
        std::atomic<int> accepted{0};
        const auto feed = [&](int n) -> asio::awaitable<void> {
            for (int i = 0; i < n; ++i) {
                const auto result = co_await jobs.async_submit(i, asio::use_awaitable);
                accepted += bool(result);
            }
        };
        std::vector<std::future<void>> feeders;
        for (int i = 0; i < 4; ++i)
            feeders.push_back(asio::co_spawn(where, feed(200), asio::use_future));
        for (auto& each : feeders)
            each.get();
        BOOST_TEST(accepted == 800);
        const auto report = asio::co_spawn(where, jobs.drain(1h), asio::use_future).get();
        BOOST_TEST(report.clean());
        BOOST_TEST(report.ledger.ok == 800U);
    });
}

BOOST_AUTO_TEST_CASE(a_task_may_be_cancelled_while_the_context_of_its_pool_ends)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 100; ++round) {
        std::optional<asio::thread_pool> threads(std::in_place, 2);
        weir::task_pool tasks({threads->get_executor()}, pool_options(4));
        std::vector<weir::task<int>> handles;
        for (int i = 0; i < 8; ++i)
            handles.push_back(tasks.try_submit([i] { return mixed(i); }));
        std::atomic<bool> over{false};
        std::thread canceller([&] {
            while (!over)
                for (auto& handle : handles)
                    handle.cancel();
        });
        threads->stop();
        threads->join();
        threads.reset();
        over = true;
        canceller.join();
        BOOST_TEST(tasks.ledger().balanced());
    }
}

BOOST_AUTO_TEST_CASE(a_plain_handler_needs_as_many_threads_as_workers)
{
    asio::thread_pool two(2);
    asio::io_context unknown;
    const auto twice = [](int n) { return 2 * n; };
    using int_pool = weir::worker_pool<int, int>;
    const int_pool as_many({two.get_executor()}, pool_options(2), twice);
    const int_pool one({unknown.get_executor()}, pool_options(1), twice);
    BOOST_CHECK_THROW(int_pool({two.get_executor()}, pool_options(3), twice),
                      std::invalid_argument);
    BOOST_CHECK_THROW(int_pool({unknown.get_executor()}, pool_options(2), twice),
                      std::invalid_argument);
    BOOST_CHECK_THROW(int_pool({asio::any_io_executor()}, pool_options(1), twice),
                      std::invalid_argument);
}

// Three suspended jobs share a thread with one that blocks it: that one is accused.
BOOST_AUTO_TEST_CASE(only_the_job_on_the_thread_is_reported_as_stuck)
{
    const weir::test::watchdog guard;
    for (const bool asio_timer : {false, true}) {
        weir::runner_pool runners(1);
        std::atomic<int> reports{0}, asleep{0};
        std::string name;
        const auto report = [&](const weir::stuck_job& job) {
            name = job.name;
            ++reports;
        };
        const auto options = pool_options(4).timeout(40ms).grace(20ms).on_stuck(report);
        weir::task_pool tasks(runners, options);
        const auto sleep = [&]() -> asio::awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            ++asleep;
            if (asio_timer) {
                asio::steady_timer timer(executor, 1h);
                co_await timer.async_wait(asio::use_awaitable);
            } else {
                co_await weir::async_sleep_for(executor, 1h, asio::use_awaitable);
            }
        };
        const auto block = [&]() -> asio::awaitable<void> {
            while (asleep < 3) // resumed each time, on the thread in between
                co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1ms,
                                               asio::use_awaitable);
            while (reports == 0)
                std::this_thread::yield();
        };
        for (int i = 0; i < 3; ++i)
            (void)tasks.try_submit(sleep, weir::job_options().name("asleep"));
        (void)tasks.try_submit(block, weir::job_options().name("the one that blocks"));
        asio::co_spawn(runners.executor(0), tasks.drain(1h), asio::use_future).get();
        BOOST_TEST(reports == 1);
        BOOST_TEST(name == "the one that blocks");
        BOOST_TEST(tasks.ledger().stuck == 1U);
    }
}

BOOST_AUTO_TEST_CASE(an_executor_that_is_assumed_to_be_serial_is_used_as_it_is)
{
    const weir::test::watchdog guard;
    asio::io_context context;
    {
        weir::task_pool tasks({weir::assume_serial(context.get_executor())}, pool_options(2));
        std::atomic<int> ended{0};
        for (int i = 0; i < 100; ++i)
            (void)tasks.try_submit([&]() -> asio::awaitable<void> {
                (void)co_await mixed(1);
                ++ended;
            });
        tasks.close();
        context.run();
        BOOST_TEST(ended == 100);
    }
}

BOOST_AUTO_TEST_SUITE_END()
