// Pools that own their threads.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/time/sleep.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::pool_options;

namespace {

/// Ends when `n` are inside at the same time: each blocks its thread.
class meeting {
public:
    explicit meeting(int n) : wanted_(n) {}
    void operator()()
    {
        ++inside_;
        while (inside_ < wanted_)
            std::this_thread::yield();
    }

private:
    const int wanted_;
    std::atomic<int> inside_{0};
};

} // namespace

BOOST_AUTO_TEST_SUITE(own_threads)

BOOST_AUTO_TEST_CASE(five_plain_workers_run_five_at_a_time)
{
    const weir::test::watchdog guard;
    meeting five(5);
    weir::worker_pool<int, int> jobs(pool_options(5), [&](int n) {
        five();
        return 2 * n;
    });
    long sum = 0;
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(bool(jobs.try_submit(i)));
    BOOST_TEST(jobs.drain_and_wait(1h).clean());
    while (auto out = jobs.results().try_receive())
        sum += out->value();
    BOOST_TEST(sum == 9900);
}

BOOST_AUTO_TEST_CASE(coroutines_have_a_thread_per_core)
{
    const weir::test::watchdog guard;
    const auto work = [](int n) -> asio::awaitable<int> {
        const auto executor = co_await asio::this_coro::executor;
        co_await weir::async_sleep_for(executor, 100us, asio::use_awaitable);
        co_return n;
    };
    weir::worker_pool<int, int> jobs(pool_options(64).results(1000), work);
    for (int i = 0; i < 500; ++i)
        BOOST_TEST(bool(jobs.try_submit(i)));
    BOOST_TEST(jobs.drain_and_wait(1h).ledger.ok == 500U);
    weir::task_pool tasks{pool_options(weir::unlimited)};
    auto out = tasks.async_run([work] { return work(7); }, asio::use_future).get();
    BOOST_TEST(out.value() == 7);
    BOOST_TEST(tasks.drain_and_wait(1h).clean());
}

BOOST_AUTO_TEST_CASE(jobs_that_block_have_threads_though_there_are_runners)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(1);
    meeting three(3);
    weir::worker_pool<int, void> jobs(runners, pool_options(3).blocking().discard_results(),
                                      [&](int) { three(); });
    meeting four(4);
    weir::task_pool tasks(runners, pool_options(4).blocking());
    for (int i = 0; i < 12; ++i) {
        BOOST_TEST(bool(jobs.try_submit(i)));
        (void)tasks.try_submit([&] { four(); });
    }
    BOOST_CHECK_THROW(jobs.resize(4), std::invalid_argument);
    BOOST_CHECK_THROW(tasks.resize(5), std::invalid_argument);
    BOOST_CHECK_THROW(tasks.resize(weir::unlimited), std::invalid_argument);
    BOOST_TEST(jobs.drain_and_wait(1h).clean());
    BOOST_TEST(tasks.drain_and_wait(1h).clean());
}

// Its executor is gone then: a handler that has none of its own is destroyed.
BOOST_AUTO_TEST_CASE(a_task_outlives_a_pool_with_threads_of_its_own)
{
    const weir::test::watchdog guard;
    weir::task<int> handle;
    {
        weir::task_pool tasks(pool_options(2));
        handle = tasks.try_submit([] { return 7; });
        BOOST_TEST(tasks.drain_and_wait(1h).clean());
    }
    const auto kept = std::make_shared<int>(0);
    handle.async_outcome([kept](weir::error_code, const weir::outcome<int>&) { ++*kept; });
    BOOST_TEST(kept.use_count() == 1);
    asio::io_context mine;
    int value = 0;
    handle.async_outcome(
        asio::bind_executor(mine, [&](weir::error_code error, weir::outcome<int> out) {
            value = error ? -1 : out.value();
        }));
    mine.run();
    BOOST_TEST(value == 7);
}

BOOST_AUTO_TEST_CASE(a_pool_destroyed_in_the_middle_joins_its_threads_and_reports_every_job)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        std::vector<weir::task<int>> handles;
        std::atomic<int> inside{0};
        {
            weir::task_pool tasks(pool_options(4));
            for (int i = 0; i < 20; ++i) {
                handles.push_back(tasks.try_submit([&inside, i] {
                    ++inside;
                    std::this_thread::yield();
                    --inside;
                    return i;
                }));
                handles.push_back(tasks.try_submit([i]() -> asio::awaitable<int> {
                    co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h,
                                                   asio::use_awaitable);
                    co_return i;
                }));
            }
        }
        BOOST_TEST(inside == 0);
        for (const auto& handle : handles)
            BOOST_TEST(handle.is_done());
    }
}

BOOST_AUTO_TEST_SUITE_END()
