#include <weir/flow/task_pool.hpp>

#include <weir/time/sleep.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(stress_task_pool)

asio::awaitable<long> run_many(weir::task_pool& tasks, int n)
{
    long sum = 0;
    for (int i = 0; i < n; ++i) {
        auto out = co_await tasks.async_run([i] { return i; });
        sum += out.value();
    }
    co_return sum;
}

asio::awaitable<void> submit_many(weir::task_pool& tasks, int n, std::atomic<int>& done)
{
    for (int i = 0; i < n; ++i)
        (void)co_await tasks.async_submit([&done] { ++done; });
}

BOOST_AUTO_TEST_CASE(tasks_of_two_threads_are_each_run_once)
{
    const weir::test::watchdog guard;
    for (const weir::limit limit : {weir::limit(3), weir::unlimited}) {
        weir::runner_pool runners(2);
        weir::task_pool tasks(runners, weir::pool_options(limit).queue(16));
        std::atomic<int> done{0};
        constexpr int n = 5000;
        auto first = asio::co_spawn(runners.executor(0), run_many(tasks, n), asio::use_future);
        auto second =
            asio::co_spawn(runners.executor(1), submit_many(tasks, n, done), asio::use_future);
        BOOST_TEST(first.get() == (n - 1L) * n / 2);
        second.get();
        auto drained = asio::co_spawn(runners.executor(0), tasks.drain(std::chrono::minutes(1)),
                                      asio::use_future);
        BOOST_TEST(drained.get().clean());
        BOOST_TEST(done == n);
        BOOST_TEST(tasks.ledger().ok == 2U * n);
    }
}

BOOST_AUTO_TEST_CASE(stopping_from_another_thread_gives_every_task_an_outcome)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 40; ++round) {
        weir::runner_pool runners(2);
        const weir::limit limit = round % 2 == 0 ? weir::limit(2) : weir::unlimited;
        auto tasks =
            std::make_unique<weir::task_pool>(runners, weir::pool_options(limit).queue(64));
        std::vector<weir::task<void>> handles;
        for (int i = 0; i < 32; ++i) {
            const auto sleep = [](weir::job_context& context) {
                return weir::async_sleep_for(context.get_executor(), std::chrono::hours(1),
                                             asio::use_awaitable);
            };
            handles.push_back(tasks->try_submit(sleep));
        }
        for (int i = 0; i < round; ++i)
            std::this_thread::yield();
        if (round % 4 < 2)
            tasks->stop();
        else
            tasks.reset();
        int failed = 0;
        for (auto& handle : handles)
            failed += handle.async_outcome(asio::use_future).get() ? 0 : 1;
        BOOST_TEST(failed == 32);
    }
}

BOOST_AUTO_TEST_CASE(a_job_that_blocks_its_thread_is_reported_without_a_limit_too)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(1);
    std::atomic<bool> reported{false};
    std::string name;
    const auto report = [&](const weir::stuck_job& job) {
        name = job.name;
        reported = true;
    };
    const auto block = [&reported] { // until it is reported as stuck
        while (!reported)
            std::this_thread::yield();
        return 1;
    };
    const auto options = weir::pool_options(weir::unlimited)
                             .timeout(std::chrono::milliseconds(20))
                             .grace(std::chrono::milliseconds(10))
                             .on_stuck(report);
    weir::task_pool tasks(runners, options);
    auto stuck = tasks.try_submit(block, weir::job_options().name("the one that blocks"));
    BOOST_TEST(stuck.async_outcome(asio::use_future).get().value() == 1);
    BOOST_TEST(name == "the one that blocks");
    BOOST_TEST(tasks.ledger().stuck == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
