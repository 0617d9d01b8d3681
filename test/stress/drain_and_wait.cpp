// A program's end: main waits for its pools, whatever their threads do.
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/run/runner_pool.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::job_options;
using weir::pool_options;
using place = weir::running_job::place;

BOOST_AUTO_TEST_SUITE(drain_and_wait)

BOOST_AUTO_TEST_CASE(main_waits_until_every_job_has_ended)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(2);
    std::atomic<int> sum{0};
    weir::worker_pool<int, void> jobs(runners, pool_options(2).discard_results(),
                                      [&](int n) { sum += n; });
    for (int i = 1; i <= 100; ++i)
        BOOST_TEST(bool(jobs.try_submit(i)));
    const auto report = jobs.drain_and_wait(1h);
    BOOST_TEST(report.clean());
    BOOST_TEST(sum == 5050);
    weir::task_pool tasks(runners, pool_options(1));
    BOOST_TEST(tasks.drain_and_wait(1h).clean()); // nothing to do
}

BOOST_AUTO_TEST_CASE(on_a_thread_of_the_pool_it_is_refused)
{
    const weir::test::watchdog guard;
    const auto refused = [](weir::task_pool& tasks) {
        try {
            tasks.drain_and_wait(1h);
        } catch (const std::logic_error& e) {
            return std::string(e.what()).find("would wait for itself") != std::string::npos;
        }
        return false;
    };
    weir::runner_pool runners(1);
    asio::thread_pool threads(2);
    const asio::any_io_executor executors[] = {runners.executor(0), threads.get_executor(),
                                               asio::make_strand(threads)};
    for (const asio::any_io_executor& executor : executors) {
        weir::task_pool tasks({executor}, pool_options(1));
        auto handle = tasks.try_submit([&] { return refused(tasks); });
        BOOST_TEST(handle.async_outcome(asio::use_future).get().value());
        BOOST_TEST(tasks.drain_and_wait(1h).clean());
    }
}

BOOST_AUTO_TEST_CASE(a_blocked_runner_holds_up_no_report_and_is_named_in_it)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(1);
    std::atomic<bool> begun{false}, over{false};
    weir::task_pool tasks(runners, pool_options(1).grace(10ms));
    const auto block = [&] {
        begun = true;
        while (!over)
            std::this_thread::yield();
    };
    auto first = tasks.try_submit(block, job_options().name("blocks"));
    auto second = tasks.try_submit([] {}, job_options().name("behind it"));
    while (!begun)
        std::this_thread::yield();
    const auto report = tasks.drain_and_wait(10ms);
    BOOST_TEST(!report.complete);
    BOOST_REQUIRE(report.running.size() == 1U);
    BOOST_TEST(report.running[0].name == "blocks");
    BOOST_TEST(report.running[0].id == first.id());
    BOOST_TEST((report.running[0].age >= 10ms));
    BOOST_REQUIRE(report.unfinished.size() == 1U);
    BOOST_TEST(report.unfinished[0].name == "behind it");
    BOOST_TEST((report.unfinished[0].status == weir::status::dropped));
    BOOST_TEST(second.is_done());
    over = true;
    BOOST_TEST(bool(first.async_outcome(asio::use_future).get()));
    BOOST_TEST(tasks.drain_and_wait(1h).complete);
}

BOOST_AUTO_TEST_CASE(a_context_that_never_runs_holds_up_no_report)
{
    const weir::test::watchdog guard;
    asio::io_context never;
    weir::task_pool tasks({never.get_executor()}, pool_options(1).grace(1ms));
    for (int i = 0; i < 3; ++i)
        (void)tasks.try_submit([] {}, job_options().name("waits"));
    const auto report = tasks.drain_and_wait(1ms);
    BOOST_TEST(report.complete);
    BOOST_TEST(!report.clean());
    BOOST_TEST(report.unfinished.size() == 3U);
    BOOST_TEST(report.ledger.dropped == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
