// One timer for all that wait: set by any thread.
#include <weir/flow/pool_options.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/keyed_rate_limiter.hpp>
#include <weir/policy/rate_limiter.hpp>
#include <weir/policy/retry_policy.hpp>
#include <weir/rate.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(stress_own_timer)

BOOST_AUTO_TEST_CASE(a_change_from_another_thread_is_seen_at_once)
{
    const weir::test::watchdog guard;
    asio::io_context io;
    weir::rate_limiter starts(io.get_executor(), weir::rate(1, 24h), 1);
    BOOST_TEST(starts.try_acquire());
    std::promise<weir::error_code> granted;
    starts.async_acquire(
        asio::bind_executor(io, [&](weir::error_code e) { granted.set_value(e); }));
    std::promise<void> runs;
    asio::post(io, [&] { runs.set_value(); });
    std::thread other([&] { io.run(); });
    runs.get_future().wait();
    starts.change(weir::rate(1, 1ms), 1); // the timer stood at tomorrow
    BOOST_TEST(!granted.get_future().get());
    starts.close();
    other.join();
}

BOOST_AUTO_TEST_CASE(two_threads_of_its_context_set_it_at_once)
{
    const weir::test::watchdog guard;
    asio::io_context io(2);
    auto work = asio::make_work_guard(io);
    std::thread one([&] { io.run(); });
    std::thread two([&] { io.run(); });
    for (int round = 0; round < 2000; ++round) {
        weir::keyed_rate_limiter<int> starts(io.get_executor(), weir::rate(1, 1ms), 2000);
        BOOST_TEST(starts.try_acquire(1, 2000));
        BOOST_TEST(starts.try_acquire(2, 2000));
        std::promise<void> late;
        std::promise<void> soon;
        std::atomic<int> here{0};
        const auto meet = [&] {
            ++here;
            while (here < 2)
                std::this_thread::yield();
        };
        asio::post(io, [&] {
            meet();
            starts.async_acquire(1, 2000, [&](weir::error_code) { late.set_value(); });
        });
        asio::post(io, [&] {
            meet();
            starts.async_acquire(2, 1, [&](weir::error_code) { soon.set_value(); });
        });
        soon.get_future().wait(); // in a millisecond; the other one in two seconds
        starts.close();
        late.get_future().wait();
    }
    work.reset();
    one.join();
    two.join();
}

// A drain that no thread helps drops what sleeps.
BOOST_AUTO_TEST_CASE(a_job_that_is_dropped_in_its_sleep_is_not_counted_as_retrying)
{
    const weir::test::watchdog guard;
    asio::io_context io(1);
    const auto policy = weir::retry_policy(3).backoff(weir::backoff(1000h, 1000h, 1));
    const auto options = weir::pool_options(1).retry(policy).grace(1ms).discard_results();
    weir::worker_pool<int, int> jobs({io.get_executor()}, options,
                                     [](int&) -> int { throw std::runtime_error("no"); });
    BOOST_TEST(bool(jobs.try_submit(1)));
    while (jobs.ledger().retrying == 0U)
        io.poll();
    const auto report = jobs.drain_and_wait(1ms);
    BOOST_TEST(report.complete);
    BOOST_TEST(report.ledger.failed == 1U);
    BOOST_TEST(report.ledger.retrying == 0U);
    BOOST_TEST(report.ledger.running() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
