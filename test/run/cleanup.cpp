#include <weir/run/cleanup.hpp>

#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(cleanup)

asio::awaitable<int> work_for(weir::duration length)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length);
    co_return 7;
}

BOOST_AUTO_TEST_CASE(it_comes_after_the_work_and_the_value_is_kept)
{
    in_many_orders([](simulation& s) {
        bool cleaned = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto clean_up = [&]() -> asio::awaitable<void> {
                co_await weir::async_sleep_for(s.a.get_executor(), 1s);
                cleaned = true;
            };
            const int value = co_await weir::with_cleanup(work_for(1s), 5s, clean_up);
            BOOST_TEST(value == 7);
            BOOST_TEST(cleaned);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 2s));
    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_coroutine_still_cleans_up_and_is_cancelled_afterwards)
{
    in_many_orders([](simulation& s) {
        bool cleaned = false, aborted = false;
        asio::cancellation_signal signal;
        const auto clean_up = [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1s); // awaits twice
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            cleaned = true;
        };
        const auto parent = [&]() -> asio::awaitable<void> {
            try {
                co_await weir::with_cleanup(work_for(1h), 5s, clean_up);
            } catch (const weir::system_error& e) {
                BOOST_TEST(e.code() == asio::error::operation_aborted);
                BOOST_TEST(cleaned);
            }
            try { // what was asked is not forgotten
                co_await weir::async_sleep_for(s.a.get_executor(), 1h);
            } catch (const weir::system_error& e) {
                aborted = e.code() == asio::error::operation_aborted;
            }
        };
        asio::co_spawn(s.a.get_executor(), parent,
                       asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
        const auto emit = [&] { signal.emit(asio::cancellation_type::terminal); };
        const weir::alarm once(s.a.get_executor(), weir::now(s.a.get_executor()) + 1s, emit);
        // Another request while it cleans up does not reach that.
        const weir::alarm twice(s.a.get_executor(), weir::now(s.a.get_executor()) + 1500ms, emit);
        s.run();
        BOOST_TEST(cleaned);
        BOOST_TEST(aborted);
        BOOST_TEST((s.elapsed() == 3s));
    });
}

BOOST_AUTO_TEST_CASE(it_has_a_limit_of_its_own)
{
    in_many_orders([](simulation& s) {
        weir::error_code code;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto clean_up = [&]() -> asio::awaitable<void> {
                co_await weir::async_sleep_for(s.a.get_executor(), 1h);
            };
            try {
                co_await weir::with_cleanup(work_for(1s), 5s, clean_up);
            } catch (const weir::system_error& e) {
                code = e.code();
            }
        });
        s.run();
        BOOST_TEST((code == weir::errc::timed_out));
        BOOST_TEST((s.elapsed() == 6s));
    });
}

BOOST_AUTO_TEST_CASE(an_error_of_the_work_comes_before_one_of_the_clean_up)
{
    in_many_orders([](simulation& s) {
        std::string error;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto fail = [](const char* what) -> asio::awaitable<void> {
                co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1s);
                throw std::runtime_error(what);
            };
            const auto clean_up = [&] { return fail("the clean-up"); };
            try {
                co_await weir::with_cleanup(fail("the work"), 5s, clean_up);
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
        });
        s.run();
        BOOST_TEST(error == "the work");
    });
}

BOOST_AUTO_TEST_CASE(a_clean_up_that_throws_before_it_is_a_coroutine_keeps_the_works_error)
{
    in_many_orders([](simulation& s) {
        std::string after_failure, after_success;
        const auto clean_up = []() -> asio::awaitable<void> {
            struct no_coroutine : std::runtime_error {
                using std::runtime_error::runtime_error;
            };
            throw no_coroutine("clean-up");
        };
        s.spawn([&]() -> asio::awaitable<void> {
            const auto fail = []() -> asio::awaitable<void> {
                throw std::runtime_error("work");
                co_return;
            };
            try {
                co_await weir::with_cleanup(fail(), 5s, clean_up);
            } catch (const std::runtime_error& e) {
                after_failure = e.what();
            }
            try {
                co_await weir::with_cleanup(work_for(1s), 5s, clean_up);
            } catch (const std::runtime_error& e) {
                after_success = e.what();
            }
            const bool throwing = co_await asio::this_coro::throw_if_cancelled();
            BOOST_TEST(throwing); // as it was before
        });
        s.run();
        BOOST_TEST(after_failure == "work");
        BOOST_TEST(after_success == "clean-up");
    });
}

BOOST_AUTO_TEST_SUITE_END()
