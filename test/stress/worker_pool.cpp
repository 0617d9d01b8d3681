#include <weir/flow/worker_pool.hpp>

#include <weir/time/sleep.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using pool = weir::worker_pool<int, int>;

BOOST_AUTO_TEST_SUITE(stress_worker_pool)

asio::awaitable<void> feed(pool& jobs, int from, int to)
{
    for (int i = from; i < to; ++i)
        if (!jobs.try_submit(i) && !co_await jobs.async_submit(i))
            break;
}

asio::awaitable<long> sum_of(pool& jobs, std::vector<std::atomic<int>>& seen)
{
    long sum = 0;
    while (auto out = co_await jobs.results().async_receive()) {
        ++seen[out->id() % seen.size()];
        if (*out)
            sum += out->value();
    }
    co_return sum;
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_jobs_are_done_once_each)
{
    const weir::test::watchdog guard;
    constexpr int n = 50'000;
    for (const bool coroutine : {false, true}) {
        weir::runner_pool runners(2);
        const auto plain = [](int i) { return i; };
        const auto awaited = [](int i) -> asio::awaitable<int> { co_return i; };
        const auto options = weir::pool_options(8).queue(64).results(64).inline_on_runners();
        const auto jobs = coroutine ? std::make_unique<pool>(runners, options, awaited)
                                    : std::make_unique<pool>(runners, options, plain);
        std::vector<std::atomic<int>> seen(4 * n);
        auto first = asio::co_spawn(runners.executor(0), feed(*jobs, 0, n), asio::use_future);
        auto second = asio::co_spawn(runners.executor(1), feed(*jobs, n, 2 * n), asio::use_future);
        auto sum = asio::co_spawn(runners.executor(1), sum_of(*jobs, seen), asio::use_future);
        std::thread reader([&] {
            for (int i = 0; i < 1000; ++i) {
                const weir::ledger l = jobs->ledger();
                BOOST_TEST(l.started <= l.accepted);
                BOOST_TEST(l.finished() <= l.started);
                std::this_thread::yield();
            }
        });
        first.get();
        second.get();
        jobs->close();
        BOOST_TEST(sum.get() == (2L * n - 1) * n);
        reader.join();
        BOOST_TEST(jobs->ledger().balanced());
        BOOST_TEST(jobs->ledger().ok == 2U * n);
    }
}

BOOST_AUTO_TEST_CASE(stopping_from_another_thread_leaves_every_job_with_an_outcome)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        weir::runner_pool runners(2);
        const auto work = [](int i) -> asio::awaitable<int> {
            co_await weir::async_sleep_for(co_await asio::this_coro::executor,
                                           std::chrono::microseconds(i % 3 * 50));
            co_return i;
        };
        pool jobs(runners, weir::pool_options(4).queue(16).results(16), work);
        std::vector<std::atomic<int>> seen(8192);
        auto fed = asio::co_spawn(runners.executor(0), feed(jobs, 0, 2000), asio::use_future);
        auto sum = asio::co_spawn(runners.executor(1), sum_of(jobs, seen), asio::use_future);
        while (jobs.ledger().ok < static_cast<std::uint64_t>(round))
            std::this_thread::yield();
        jobs.stop();
        fed.get();
        sum.get();
        std::uint64_t outcomes = 0;
        for (const auto& count : seen) {
            BOOST_TEST(count <= 1);
            outcomes += static_cast<std::uint64_t>(count);
        }
        BOOST_TEST(jobs.ledger().balanced());
        BOOST_TEST(outcomes == jobs.ledger().accepted);
    }
}

BOOST_AUTO_TEST_CASE(destroying_a_pool_and_its_runners_in_the_middle_is_clean)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        std::atomic<int> hooked{0};
        std::uint64_t accepted = 0;
        {
            weir::runner_pool runners(2);
            const auto work = [](int i) -> asio::awaitable<int> {
                co_await weir::async_sleep_for(co_await asio::this_coro::executor,
                                               std::chrono::hours(1));
                co_return i;
            };
            pool jobs(runners, weir::pool_options(3).queue(8).results(0), work,
                      [&](weir::outcome<int>&&) { ++hooked; });
            for (int i = 0; i < 8; ++i)
                accepted += jobs.try_submit(i) ? 1 : 0;
            for (int i = 0; i < round; ++i)
                std::this_thread::yield();
            if (round % 2 == 0)
                runners.stop();
        }
        BOOST_TEST(static_cast<std::uint64_t>(hooked) == accepted);
    }
}

BOOST_AUTO_TEST_CASE(a_job_that_blocks_its_thread_is_reported_by_another)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(1);
    std::atomic<bool> reported{false};
    std::string name;
    const auto report = [&](const weir::stuck_job& job) {
        name = job.name;
        reported = true;
    };
    const auto block = [&reported](int n) { // until it is reported as stuck
        while (n == 1 && !reported)
            std::this_thread::yield();
        return n;
    };
    const auto options = weir::pool_options(1)
                             .timeout(std::chrono::milliseconds(20))
                             .grace(std::chrono::milliseconds(10))
                             .on_stuck(report);
    pool jobs(runners, options, block);
    BOOST_TEST(bool(jobs.try_submit(1, weir::job_options().name("the one that blocks"))));
    BOOST_TEST(bool(jobs.try_submit(2)));
    jobs.close();
    std::vector<std::atomic<int>> seen(4);
    auto sum = asio::co_spawn(runners.executor(0), sum_of(jobs, seen), asio::use_future);
    BOOST_TEST(sum.get() == 3);
    BOOST_TEST(name == "the one that blocks");
    BOOST_TEST(jobs.ledger().stuck == 1U);
    BOOST_TEST(jobs.ledger().ok == 2U);
}

BOOST_AUTO_TEST_CASE(changing_the_limit_from_another_thread_loses_no_job)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(2);
    constexpr int n = 20'000;
    const auto work = [](int i) -> asio::awaitable<int> { co_return i; };
    pool jobs(runners, weir::pool_options(2).queue(64).results(64), work);
    std::vector<std::atomic<int>> seen(2 * n);
    auto fed = asio::co_spawn(runners.executor(0), feed(jobs, 0, n), asio::use_future);
    auto sum = asio::co_spawn(runners.executor(1), sum_of(jobs, seen), asio::use_future);
    for (int i = 0; i < 2000; ++i) {
        jobs.resize(i % 3 == 2 ? weir::paused : weir::limit(1 + i % 7));
        std::this_thread::yield();
    }
    jobs.resize(3);
    fed.get();
    jobs.close();
    BOOST_TEST(sum.get() == (n - 1L) * n / 2);
    BOOST_TEST(jobs.ledger().balanced());
}

BOOST_AUTO_TEST_SUITE_END()
