#include <weir/run/runner_pool.hpp>

#include <weir/sync/channel.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;

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
    weir::runner_pool runners(2, sink);
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

BOOST_AUTO_TEST_SUITE_END()
