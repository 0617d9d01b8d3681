// Pools with limits, on real threads.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/breaker_options.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>
#include <weir/run/cancel.hpp>
#include <weir/time/clock.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_of_key = 2;

// Jobs of a key that run now.
struct by_key {
    std::array<std::atomic<std::size_t>, 4> running{};
    std::atomic<std::size_t> exceeded{0};

    void begin(std::size_t key)
    {
        if (++running[key] > most_of_key)
            ++exceeded;
    }
    void end(std::size_t key) { --running[key]; }
};

struct job {
    std::size_t key = 0;
    int failures = 0;
    int runs = 0;
};

using pool = weir::worker_pool<job, int>;

weir::pool_options limits()
{
    const auto policy = weir::retry_policy(3).backoff(weir::backoff(20us, 200us));
    return weir::pool_options(4)
        .queue(16)
        .results(16)
        .per_key(most_of_key)
        .key_share(0.5)
        .bytes(1000)
        .rate(weir::rate(1'000'000, 1s), 100)
        .retry(policy)
        .breaker(weir::breaker_options().window(64).failures(64));
}

auto handler_for(by_key& seen)
{
    return [&seen](job& work) -> asio::awaitable<int> {
        seen.begin(work.key);
        const auto executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        seen.end(work.key);
        if (++work.runs <= work.failures)
            throw std::runtime_error("failed");
        co_return work.runs;
    };
}

asio::awaitable<std::size_t> feed(pool& jobs, int count, weir::cancel_token token)
{
    const auto executor = co_await asio::this_coro::executor;
    std::size_t accepted = 0;
    for (int i = 0; i < count; ++i) {
        job work;
        work.key = static_cast<std::size_t>(i % 4);
        work.failures = i % 7 == 0 ? i % 5 : 0;
        weir::job_options options;
        options.key(std::string(1, static_cast<char>('a' + i % 4)))
            .bytes(static_cast<std::size_t>(i % 200));
        if (i % 11 == 0)
            options.token(token);
        if (i % 13 == 0)
            options.deadline(weir::now(executor) + std::chrono::microseconds(i % 500));
        const auto result = co_await jobs.async_submit(work, options);
        accepted += result ? 1 : 0;
        if (!result && result.error() == weir::errc::closed)
            break;
    }
    co_return accepted;
}

asio::awaitable<std::size_t> collect(pool& jobs)
{
    std::size_t count = 0;
    while (const auto out = co_await jobs.results().async_receive())
        ++count;
    co_return count;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stress_pool_limits)

BOOST_AUTO_TEST_CASE(each_job_ends_once_and_keys_keep_to_their_limit)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 20; ++round) {
        weir::runner_pool runners(2);
        by_key seen;
        pool jobs(runners, limits(), handler_for(seen));
        weir::cancel_source source;
        std::vector<std::future<std::size_t>> fed;
        for (std::size_t i = 0; i < 4; ++i)
            fed.push_back(asio::co_spawn(runners.executor(i % 2), feed(jobs, 300, source.token()),
                                         asio::use_future));
        auto collected = asio::co_spawn(runners.executor(1), collect(jobs), asio::use_future);
        for (std::size_t size = 1; size < 200; ++size) {
            jobs.resize(weir::limit(1 + size % 5));
            const weir::ledger l = jobs.ledger();
            BOOST_TEST(l.finished() <= l.started);
            if (size == 100)
                source.cancel();
            std::this_thread::yield();
        }
        std::size_t accepted = 0;
        for (auto& each : fed)
            accepted += each.get();
        jobs.close();
        BOOST_TEST(collected.get() == accepted);
        BOOST_TEST(seen.exceeded == 0U);
        BOOST_TEST(jobs.ledger().balanced());
        BOOST_TEST(jobs.ledger().retrying == 0U);
    }
}

BOOST_AUTO_TEST_CASE(stopping_ends_what_waits_and_what_sleeps)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 30; ++round) {
        weir::runner_pool runners(2);
        by_key seen;
        auto options = limits().retry(weir::retry_policy(9).backoff(weir::backoff(1us, 1h)));
        pool jobs(runners, options, handler_for(seen));
        weir::cancel_source source;
        auto fed =
            asio::co_spawn(runners.executor(0), feed(jobs, 2000, source.token()), asio::use_future);
        auto collected = asio::co_spawn(runners.executor(1), collect(jobs), asio::use_future);
        while (jobs.ledger().ok < static_cast<std::uint64_t>(round) * 5)
            std::this_thread::yield();
        jobs.stop();
        const std::size_t accepted = fed.get();
        BOOST_TEST(collected.get() == accepted);
        BOOST_TEST(jobs.ledger().balanced());
    }
}

BOOST_AUTO_TEST_CASE(tasks_are_cancelled_from_another_thread_wherever_they_wait)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 30; ++round) {
        weir::runner_pool runners(2);
        weir::task_pool tasks(runners, limits().queue(256).key_share(1));
        const auto key = weir::job_options().key("a");
        std::vector<weir::task<int>> handles;
        for (int i = 0; i < 200; ++i) {
            const auto runs = std::make_shared<int>(0);
            handles.push_back(tasks.try_submit(
                [runs]() -> int {
                    if (++*runs < 3)
                        throw std::runtime_error("not yet");
                    return *runs;
                },
                key));
        }
        for (std::size_t i = 0; i < handles.size(); i += 2)
            handles[i].cancel();
        std::size_t ended = 0;
        for (auto& each : handles) {
            const auto out = each.async_outcome(asio::use_future).get();
            ended += out.attempts() <= 3 ? 1 : 0;
        }
        BOOST_TEST(ended == 200U);
        BOOST_TEST(tasks.drain_and_wait(10s).complete);
        BOOST_TEST(tasks.ledger().balanced());
    }
}

// A thread of its own for each worker, of which one is kept busy: another has to look at the time.
BOOST_AUTO_TEST_CASE(one_busy_thread_keeps_no_other_job_from_its_next_attempt)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 10; ++round) {
        std::promise<void> succeeded;
        auto done = succeeded.get_future().share();
        const auto options = weir::pool_options(3)
                                 .blocking()
                                 .retry(weir::retry_policy(5).backoff(weir::backoff(1ms, 5ms)))
                                 .rate(weir::rate(1, 2ms), 1)
                                 .discard_results();
        weir::worker_pool<int, int> jobs(options, [&](int& left) {
            if (left < 0) {
                done.wait(); // two of these: two of three threads
                return 0;
            }
            if (left-- > 0)
                throw std::runtime_error("failed");
            succeeded.set_value();
            return 0;
        });
        BOOST_TEST(bool(jobs.try_submit(-1)));
        BOOST_TEST(bool(jobs.try_submit(-1)));
        BOOST_TEST(bool(jobs.try_submit(3)));
        BOOST_TEST(jobs.drain_and_wait(1min).clean());
    }
}

// Its runners and all go in the middle.
BOOST_AUTO_TEST_CASE(destroying_a_pool_with_limits_in_the_middle_is_clean)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        by_key seen;
        auto runners = std::make_unique<weir::runner_pool>(2);
        auto jobs = std::make_unique<pool>(*runners, limits().discard_results(), handler_for(seen));
        std::size_t accepted = 0;
        for (int i = 0; i < 100; ++i) {
            job work;
            work.failures = i % 3;
            accepted += jobs->try_submit(work, weir::job_options().key("a")) ? 1 : 0;
        }
        if (round % 2 == 0)
            runners.reset();
        jobs.reset();
        BOOST_TEST(accepted >= 1U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
