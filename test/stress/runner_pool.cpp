#include <weir/run/runner_pool.hpp>

#include <weir/sync/channel.hpp>
#include <weir/time/sleep.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(stress_runner_pool)

BOOST_AUTO_TEST_CASE(join_waits_for_work_that_crosses_runners)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 100; ++round) {
        weir::runner_pool runners(3);
        std::atomic<int> hops{0};
        // One runner is out of work while another still means to post to it.
        std::function<void(std::size_t)> hop = [&](std::size_t at) {
            if (++hops < 300)
                asio::post(runners.executor((at + 1) % 3), [&hop, at] { hop((at + 1) % 3); });
        };
        asio::post(runners.executor(0), [&hop] { hop(0); });
        runners.join();
        BOOST_TEST(hops == 300);
    }
}

BOOST_AUTO_TEST_CASE(join_waits_for_an_answer_from_a_runner_that_had_nothing_to_do)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        weir::runner_pool runners(2);
        weir::channel<int> asked(runners.executor(1), 0), answered(runners.executor(0), 0);
        int answer = 0;
        const auto answering = [&]() -> asio::awaitable<void> {
            const auto question = co_await asked.async_receive();
            const auto sent = co_await answered.async_send(*question + 1);
            BOOST_TEST(bool(sent));
        };
        const auto asking = [&]() -> asio::awaitable<void> {
            // Begun on the other runner only now, when that may have run out of work already.
            asio::co_spawn(runners.executor(1), answering, [](std::exception_ptr) {});
            const auto sent = co_await asked.async_send(41);
            BOOST_TEST(bool(sent));
            answer = *co_await answered.async_receive();
        };
        asio::co_spawn(runners.executor(0), asking, [](std::exception_ptr) {});
        runners.join();
        BOOST_TEST(answer == 42);
    }
}

BOOST_AUTO_TEST_CASE(what_handlers_throw_reaches_the_sink_and_the_runner_goes_on)
{
    const weir::test::watchdog guard;
    std::mutex mutex;
    std::vector<std::string> errors;
    const auto sink = [&](std::exception_ptr error) {
        std::lock_guard lock(mutex);
        try {
            std::rethrow_exception(error);
        } catch (const std::runtime_error& e) {
            errors.push_back(e.what());
        }
    };
    weir::runner_pool runners(weir::runner_pool_options().runners(2).on_error(sink));
    std::atomic<int> after{0};
    for (int i = 0; i < 10; ++i) {
        asio::post(runners.get_executor(), [] { throw std::runtime_error("no"); });
        asio::post(runners.get_executor(), [&] { ++after; });
    }
    runners.join();
    BOOST_TEST(errors.size() == 10U);
    BOOST_TEST(after == 10);
}

BOOST_AUTO_TEST_CASE(stop_ends_it_though_there_is_work)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 100; ++round) {
        weir::runner_pool runners(2);
        weir::channel<int> never(runners.get_executor(), 1);
        std::atomic<bool> running{false}, resumed{false};
        const auto wait = [&]() -> asio::awaitable<void> {
            running = true;
            co_await never.async_receive();
            resumed = true;
        };
        asio::co_spawn(runners.get_executor(), wait, [](std::exception_ptr) {});
        if (round % 2 == 0)
            while (!running)
                std::this_thread::yield();
        runners.stop();
        runners.join();
        BOOST_TEST(!resumed);
    }
}

BOOST_AUTO_TEST_CASE(a_runner_does_not_wait_for_itself)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(1);
    const auto joining = [&]() -> asio::awaitable<bool> {
        BOOST_TEST(runners.running_in_this_thread());
        try {
            runners.join();
        } catch (const std::logic_error&) {
            co_return true;
        }
        co_return false;
    };
    BOOST_TEST(asio::co_spawn(runners.get_executor(), joining, asio::use_future).get());
    BOOST_TEST(!runners.running_in_this_thread());
}

// ---- polling before it sleeps

/// Polls hardly, for a while, and forever.
constexpr std::chrono::nanoseconds lengths[] = {1ns, 50us, 1h};

BOOST_AUTO_TEST_CASE(runners_that_poll_first_run_everything_and_join)
{
    const weir::test::watchdog guard;
    for (const auto length : lengths)
        for (int round = 0; round < 30; ++round) {
            weir::runner_pool runners(weir::runner_pool_options().runners(2).poll_first(length));
            std::atomic<int> hops{0};
            std::function<void(std::size_t)> hop = [&](std::size_t at) {
                if (++hops < 200)
                    asio::post(runners.executor(1 - at), [&hop, at] { hop(1 - at); });
            };
            asio::post(runners.executor(0), [&hop] { hop(0); });
            runners.join();
            BOOST_TEST(hops == 200);
        }
}

BOOST_AUTO_TEST_CASE(a_runner_that_polled_in_vain_sleeps_and_is_woken)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(weir::runner_pool_options().runners(2).poll_first(1us));
    for (int round = 0; round < 20; ++round) {
        // The other one has long given up when the answer comes: the timer sleeps in between.
        const auto ask = [&]() -> asio::awaitable<int> {
            co_await weir::async_sleep_for(runners.executor(0), 1ms);
            co_return 7;
        };
        BOOST_TEST(asio::co_spawn(runners.executor(0), ask, asio::use_future).get() == 7);
    }
}

BOOST_AUTO_TEST_CASE(stop_ends_runners_that_poll)
{
    const weir::test::watchdog guard;
    for (const auto length : lengths)
        for (int round = 0; round < 30; ++round) {
            weir::runner_pool runners(weir::runner_pool_options().runners(2).poll_first(length));
            std::atomic<bool> ran{false};
            if (round % 2 == 0) {
                asio::post(runners.get_executor(), [&] { ran = true; });
                while (!ran)
                    std::this_thread::yield();
            }
            runners.stop();
            runners.join();
        }
}

BOOST_AUTO_TEST_CASE(what_handlers_throw_reaches_the_sink_of_runners_that_poll)
{
    const weir::test::watchdog guard;
    for (const auto length : lengths) {
        std::atomic<int> reported{0}, after{0};
        weir::runner_pool runners(
            weir::runner_pool_options().runners(2).poll_first(length).on_error(
                [&](std::exception_ptr) { ++reported; }));
        for (int i = 0; i < 10; ++i) {
            asio::post(runners.get_executor(), [] { throw std::runtime_error("no"); });
            asio::post(runners.get_executor(), [&] { ++after; });
        }
        runners.join();
        BOOST_TEST(reported == 10);
        BOOST_TEST(after == 10);
    }
}

// ---- contexts of the user's

BOOST_AUTO_TEST_CASE(a_pool_runs_contexts_of_yours_each_on_one_thread)
{
    const weir::test::watchdog guard;
    asio::io_context a(1), b(1);
    std::atomic<int> ran{0}, elsewhere{0};
    asio::post(a, [&] { ++ran; }); // there before the pool
    for (int round = 0; round < 20; ++round) {
        weir::runner_pool runners({&a, &b});
        BOOST_TEST(runners.size() == 2U);
        BOOST_TEST((runners.executor(1) == b.get_executor()));
        std::thread::id first;
        for (int i = 0; i < 50; ++i)
            asio::post(a, [&] {
                ++ran;
                if (first == std::thread::id())
                    first = std::this_thread::get_id();
                elsewhere += first != std::this_thread::get_id();
                BOOST_TEST(runners.running_in_this_thread());
            });
        runners.join();
        BOOST_TEST(ran == 1 + 50 * (round + 1));
        BOOST_TEST(elsewhere == 0);
    }
}

BOOST_AUTO_TEST_CASE(what_a_stopped_pool_leaves_in_a_context_of_yours_may_be_run_later)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 50; ++round) {
        asio::io_context io(1);
        weir::channel<int> values(io.get_executor(), 1);
        std::atomic<bool> waiting{false};
        int received = 0;
        const auto receive = [&]() -> asio::awaitable<void> {
            waiting = true;
            received = (co_await values.async_receive()).value();
        };
        {
            weir::runner_pool runners({&io});
            asio::co_spawn(io, receive, [](std::exception_ptr) {});
            if (round % 2 == 0)
                while (!waiting)
                    std::this_thread::yield();
        }
        BOOST_TEST(received == 0);
        BOOST_TEST(!!values.try_send(7));
        io.restart();
        io.run();
        BOOST_TEST(received == 7);
    }
}

// ---- pinning

BOOST_AUTO_TEST_CASE(pinned_runners_stay_on_their_cores)
{
    const weir::test::watchdog guard;
    cpu_set_t before;
    BOOST_REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    int first = 0;
    while (!CPU_ISSET(first, &before))
        ++first;
    const auto cores_of = [](weir::runner_pool& runners, std::size_t index) {
        std::promise<std::vector<int>> reported;
        asio::post(runners.executor(index), [&reported] {
            cpu_set_t set;
            std::vector<int> cores;
            if (::sched_getaffinity(0, sizeof set, &set) == 0)
                for (int core = 0; core < CPU_SETSIZE; ++core)
                    if (CPU_ISSET(core, &set))
                        cores.push_back(core);
            reported.set_value(cores);
        });
        return reported.get_future().get();
    };
    weir::runner_pool all(weir::runner_pool_options().runners(CPU_COUNT(&before) + 1).pin());
    BOOST_TEST((cores_of(all, 0) == std::vector<int>{first}));
    for (std::size_t i = 0; i < all.size(); ++i)
        BOOST_TEST(cores_of(all, i).size() == 1U);
    BOOST_TEST((cores_of(all, all.size() - 1) == std::vector<int>{first})); // in turn
    weir::runner_pool one(weir::runner_pool_options().runners(2).pin_to({first}));
    BOOST_TEST((cores_of(one, 1) == std::vector<int>{first}));
    weir::runner_pool none(weir::runner_pool_options().runners(1));
    BOOST_TEST(cores_of(none, 0).size() == std::size_t(CPU_COUNT(&before)));
}

BOOST_AUTO_TEST_CASE(a_core_that_cannot_be_had_is_named_and_nothing_has_run)
{
    const weir::test::watchdog guard;
    for (const int core : {CPU_SETSIZE - 1, CPU_SETSIZE, -1}) {
        asio::io_context io(1), other(1);
        bool ran = false;
        asio::post(io, [&] { ran = true; });
        std::string message;
        try {
            weir::runner_pool runners({&io, &other}, weir::runner_pool_options().pin_to({0, core}));
        } catch (const std::system_error& e) {
            message = e.what();
        }
        BOOST_TEST(message.find("core " + std::to_string(core)) != std::string::npos);
        BOOST_TEST(!ran);
        io.run(); // it is as it was
        BOOST_TEST(ran);
    }
}

BOOST_AUTO_TEST_CASE(runners_have_the_name_they_are_given)
{
    const weir::test::watchdog guard;
    weir::runner_pool runners(weir::runner_pool_options().runners(2).name("a very long name"));
    std::promise<std::string> reported;
    asio::post(runners.executor(1), [&reported] {
        char name[16] = {};
        ::pthread_getname_np(::pthread_self(), name, sizeof name);
        reported.set_value(name);
    });
    BOOST_TEST(reported.get_future().get() == "a very long n-1");
}

BOOST_AUTO_TEST_SUITE_END()
