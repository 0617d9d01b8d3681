#include <weir/run/blocking_lane.hpp>

#include <weir/run/cancel.hpp>
#include <weir/run/runner_pool.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(stress_blocking_lane)

/// Computes for a moment.
int work(int from)
{
    std::vector<int> numbers(500);
    std::iota(numbers.begin(), numbers.end(), from);
    return std::accumulate(numbers.begin(), numbers.end(), 0) == 0 ? 0 : from;
}

void rethrow(std::exception_ptr error)
{
    if (error)
        std::rethrow_exception(error);
}

// Many coroutines on three runners; every second one is cancelled from another thread.
void none_is_lost(weir::blocking_lane& lane, int limit)
{
    weir::runner_pool runners(3);
    std::atomic<int> inside{0}, called{0}, completed{0}, refused{0};
    std::atomic<bool> too_many{false}, wrong{false};
    std::vector<weir::cancel_source> sources(24);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const auto executor = runners.get_executor();
        const auto user = [&, executor, token = sources[i].token()]() -> asio::awaitable<void> {
            weir::cancel_link link(token, executor);
            const auto quiet = asio::as_tuple(asio::use_awaitable);
            for (int n = 1; n <= 100; ++n) {
                bool mine = false; // in this coroutine's frame, and used on the lane
                const auto job = [&, n] {
                    if (++inside > limit)
                        too_many = true;
                    ++called;
                    mine = true;
                    const int result = work(n);
                    --inside;
                    if (n % 10 == 0)
                        throw std::runtime_error("every tenth");
                    return result;
                };
                auto running =
                    lane.async_run(job, asio::bind_cancellation_slot(link.slot(), quiet));
                const auto result = co_await std::move(running);
                ++completed;
                refused += !mine;
                const bool as_it_should = !mine || n % 10 == 0 ? std::get<0>(result) != nullptr
                                                               : std::get<1>(result) == n;
                if (!as_it_should)
                    wrong = true;
            }
        };
        asio::co_spawn(executor, user, rethrow);
    }
    for (std::size_t i = 0; i < sources.size(); i += 2) {
        sources[i].cancel();
        std::this_thread::yield();
    }
    runners.join();
    BOOST_TEST(!too_many);
    BOOST_TEST(!wrong);
    BOOST_TEST(completed == 2400);
    BOOST_TEST(called + refused == 2400);
    BOOST_TEST(lane.queued() == 0U);
}

BOOST_AUTO_TEST_CASE(none_is_lost_nor_called_twice_by_threads_of_its_own)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 10; ++round) {
        weir::blocking_lane lane(3);
        none_is_lost(lane, 3);
    }
}

BOOST_AUTO_TEST_CASE(no_more_than_the_limit_run_over_a_pool_with_more_threads)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 10; ++round) {
        asio::thread_pool threads(4);
        weir::blocking_lane lane(threads.get_executor(), 2);
        none_is_lost(lane, 2);
        threads.join();
    }
}

// ---- any order of destruction, while callables run

/// What a coroutine keeps in its frame and its callable uses.
struct kept {
    ~kept() { value = -1; }
    int value = 7;
};

asio::awaitable<void> uses_its_frame(weir::blocking_lane& lane, std::atomic<int>& begun,
                                     std::atomic<int>& wrong)
{
    for (;;) {
        kept mine;
        co_await lane.async_run([&] {
            ++begun;
            for (int i = 0; i < 20; ++i) {
                if (mine.value != 7)
                    ++wrong;
                std::this_thread::yield();
            }
        });
    }
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_waits_for_the_callables_its_coroutines_have_begun)
{
    const weir::test::watchdog guard;
    std::atomic<int> wrong{0};
    weir::blocking_lane lane(2);
    for (int round = 0; round < 150; ++round) {
        std::atomic<int> begun{0};
        {
            asio::io_context io(1);
            // Its service is there before the registry of waiters, or after it: shut down last, or
            // first.
            asio::any_io_executor executor = io.get_executor();
            if (round % 3 == 1)
                executor = asio::make_strand(io);
            asio::co_spawn(io, uses_its_frame(lane, begun, wrong), [](std::exception_ptr) {});
            io.poll();
            if (round % 3 == 2)
                executor = asio::make_strand(io);
            asio::co_spawn(executor, uses_its_frame(lane, begun, wrong), [](std::exception_ptr) {});
            asio::co_spawn(executor, uses_its_frame(lane, begun, wrong), [](std::exception_ptr) {});
            while (begun < 1 + round % 5)
                io.poll();
        }
        BOOST_TEST(wrong == 0);
    }
    BOOST_TEST(lane.queued() == 0U);
}

BOOST_AUTO_TEST_CASE(destroying_a_lane_waits_for_its_callables_and_calls_every_handler)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 100; ++round) {
        weir::runner_pool runners(2);
        auto lane = std::make_unique<weir::blocking_lane>(2);
        std::atomic<int> called{0}, ended{0};
        std::atomic<int> inside{0};
        for (int i = 0; i < 20; ++i) {
            const auto job = [&called, &inside] {
                ++inside;
                work(++called);
                --inside;
            };
            const auto on_end = [&ended](std::exception_ptr) { ++ended; };
            if (i % 5 == 0) // one whose handler belongs to the lane itself
                lane->async_run(job, on_end);
            else
                lane->async_run(job, asio::bind_executor(runners.get_executor(), on_end));
        }
        while (called < round % 20)
            std::this_thread::yield();
        lane.reset();
        BOOST_TEST(inside == 0);
        runners.join();
        BOOST_TEST(ended == 20);
    }
}

BOOST_AUTO_TEST_CASE(a_lane_that_one_of_its_callables_destroys_does_not_wait_for_itself)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        asio::io_context io(1);
        auto lane = std::make_shared<weir::blocking_lane>(2);
        std::atomic<bool> released{false};
        bool called = false;
        auto job = [&, held = lane] {
            while (!released)
                std::this_thread::yield();
            called = true;
        };
        auto done = lane->async_run(std::move(job), asio::bind_executor(io, asio::use_future));
        while (lane->running() == 0)
            std::this_thread::yield();
        lane.reset();
        released = true; // the callable is its last owner
        io.run();
        done.get();
        BOOST_TEST(called);
    }
}

BOOST_AUTO_TEST_CASE(a_pool_of_threads_that_goes_first_closes_the_lane)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 100; ++round) {
        weir::runner_pool runners(1);
        auto threads = std::make_unique<asio::thread_pool>(2);
        weir::blocking_lane lane(threads->get_executor(), 2);
        std::atomic<int> called{0}, ended{0}, refused{0};
        for (int i = 0; i < 20; ++i)
            lane.async_run([&called] { work(++called); },
                           asio::bind_executor(runners.get_executor(), [&](std::exception_ptr e) {
                               ++ended;
                               refused += e != nullptr;
                           }));
        while (called < round % 5)
            std::this_thread::yield();
        threads.reset();
        runners.join();
        BOOST_TEST(lane.is_closed());
        BOOST_TEST(ended == 20);
        BOOST_TEST(called + refused == 20);
    }
}

BOOST_AUTO_TEST_CASE(closing_waits_for_what_runs_on_its_threads)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 100; ++round) {
        asio::io_context io(1);
        weir::blocking_lane lane(2);
        std::atomic<int> inside{0};
        int ended = 0;
        for (int i = 0; i < 10; ++i)
            lane.async_run(
                [&inside, i] {
                    ++inside;
                    work(i);
                    --inside;
                },
                asio::bind_executor(io, [&ended](std::exception_ptr) { ++ended; }));
        bool closed = false;
        lane.async_close(asio::bind_executor(io, [&](weir::error_code) {
            closed = true;
            BOOST_TEST(inside == 0);
        }));
        io.run();
        BOOST_TEST(closed);
        BOOST_TEST(ended == 10);
    }
}

BOOST_AUTO_TEST_SUITE_END()
