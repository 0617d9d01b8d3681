#include <weir/policy/timeout.hpp>

#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include "support/hand_clock.hpp"
#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(timeout)

asio::awaitable<int> seven_after(weir::duration length)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length);
    co_return 7;
}

asio::awaitable<std::unique_ptr<int>> moved()
{
    co_return std::make_unique<int>(3);
}

asio::awaitable<void> failing()
{
    throw std::runtime_error("no");
    co_return;
}

template <class T>
asio::awaitable<weir::error_code> code_of(asio::awaitable<T> work)
{
    try {
        (void)co_await std::move(work);
    } catch (const weir::system_error& e) {
        co_return e.code();
    }
    co_return weir::error_code();
}

// What cannot be timed is cancelled, and waited for.
BOOST_AUTO_TEST_CASE(an_operation_whose_alarm_cannot_be_set_is_joined)
{
    weir::test::hand_clock clock;
    weir::event go;
    bool over = false;
    std::exception_ptr error;
    bool ended = false;
    const auto operation = [&]() -> asio::awaitable<int> {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await go.async_wait(clock.executor(), asio::use_awaitable);
        over = true;
        throw std::runtime_error("late");
    };
    clock.fail_next(1);
    asio::co_spawn(
        clock.context(),
        [&]() -> asio::awaitable<void> { (void)co_await weir::with_timeout(1s, operation()); },
        [&](std::exception_ptr e) {
            ended = true;
            error = e;
        });
    clock.context().poll();
    BOOST_TEST(!ended);
    go.set();
    clock.context().restart();
    clock.context().poll();
    BOOST_TEST(over);
    BOOST_REQUIRE(ended);
    BOOST_CHECK_EXCEPTION(std::rethrow_exception(error), weir::system_error,
                          [](const auto& e) { return e.code().value() == EMFILE; });
}

BOOST_AUTO_TEST_CASE(what_is_done_in_time_is_returned)
{
    in_many_orders([](simulation& s) {
        int value = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            value = co_await weir::with_timeout(2s, seven_after(1s));
            const auto pointer = co_await weir::with_timeout(2s, moved());
            BOOST_TEST(*pointer == 3);
        });
        s.run();
        BOOST_TEST(value == 7);
        BOOST_TEST((s.elapsed() == 1s)); // the limit is not waited for
    });
}

BOOST_AUTO_TEST_CASE(what_is_late_is_cancelled_and_joined)
{
    in_many_orders([](simulation& s) {
        weir::error_code code;
        s.spawn([&]() -> asio::awaitable<void> {
            code = co_await code_of(weir::with_timeout(1s, seven_after(1h)));
        });
        s.run();
        BOOST_TEST((code == weir::errc::timed_out));
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(an_error_of_its_own_is_thrown)
{
    simulation s(1);
    bool thrown = false;
    s.spawn([&]() -> asio::awaitable<void> {
        try {
            co_await weir::with_timeout(1s, failing());
        } catch (const std::runtime_error&) {
            thrown = true;
        }
    });
    s.run();
    BOOST_TEST(thrown);
}

BOOST_AUTO_TEST_CASE(no_limit_may_be_written_as_the_longest_duration)
{
    simulation s(1);
    int value = 0;
    s.spawn([&]() -> asio::awaitable<void> {
        value = co_await weir::with_timeout(weir::duration::max(), seven_after(1h));
    });
    s.run();
    BOOST_TEST(value == 7);
}

BOOST_AUTO_TEST_CASE(cancelling_from_outside_reaches_the_operation)
{
    in_many_orders([](simulation& s) {
        weir::error_code inner;
        std::optional<weir::error_code> outer;
        asio::cancellation_signal signal;
        const auto work = [&]() -> asio::awaitable<void> {
            inner = co_await code_of(seven_after(1h));
            co_await seven_after(1h); // cancelled for good: throws
        };
        const auto whole = [&]() -> asio::awaitable<void> {
            co_await weir::with_timeout(2h, work());
        };
        const auto on_end = [&](std::exception_ptr error) {
            try {
                std::rethrow_exception(error);
            } catch (const weir::system_error& e) {
                outer = e.code();
            }
        };
        asio::co_spawn(s.a.get_executor(), whole,
                       asio::bind_cancellation_slot(signal.slot(), on_end));
        const weir::alarm later(s.a.get_executor(), weir::now(s.a.get_executor()) + 1s,
                                [&] { signal.emit(asio::cancellation_type::terminal); });
        s.run();
        BOOST_TEST(inner == asio::error::operation_aborted);
        BOOST_REQUIRE(outer.has_value());
        BOOST_TEST(*outer == asio::error::operation_aborted);
        BOOST_TEST((s.elapsed() == 1s));
    });
}

// What needs no coroutine of the user's: an operation of weir, and one of others.
BOOST_AUTO_TEST_CASE(any_deferred_operation_can_have_a_timeout)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 1);
        weir::channel<std::unique_ptr<int>> values(s.a.get_executor(), 1);
        int step = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const weir::permit first = co_await weir::with_timeout(1s, limit.async_acquire());
            BOOST_TEST(bool(first));
            weir::error_code code;
            try {
                const weir::permit never = co_await weir::with_timeout(1s, limit.async_acquire());
            } catch (const weir::system_error& e) {
                code = e.code();
            }
            BOOST_TEST((code == weir::errc::timed_out));
            BOOST_TEST((s.elapsed() == 1s));
            BOOST_TEST(limit.waiters() == 0U);
            auto value = std::make_unique<int>(7);
            auto sending = values.async_send(std::move(value));
            const auto sent = co_await weir::with_timeout(1s, std::move(sending));
            BOOST_TEST(bool(sent));
            const auto received = co_await weir::with_timeout(1s, values.async_receive());
            BOOST_TEST(**received == 7);
            co_await weir::with_timeout(2s, asio::post(s.a.get_executor(), asio::deferred));
            co_await weir::with_timeout(2s, weir::async_sleep_for(s.a.get_executor(), 1s));
            step = 1;
        });
        s.run();
        BOOST_TEST(step == 1);
        BOOST_TEST((s.elapsed() == 2s));
    });
}

BOOST_AUTO_TEST_CASE(a_deadline_is_a_point_in_time)
{
    in_many_orders([](simulation& s) {
        weir::semaphore none(s.a.get_executor(), weir::paused);
        weir::error_code late, past;
        int value = 0, ready = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const weir::time_point begin = weir::now(s.a.get_executor());
            value = co_await weir::with_deadline(begin + 2s, seven_after(1s));
            late = co_await code_of(weir::with_deadline(begin + 2s, none.async_acquire()));
            BOOST_TEST((s.elapsed() == 2s));
            past = co_await code_of(weir::with_deadline(begin, none.async_acquire()));
            BOOST_TEST((s.elapsed() == 2s));
            const auto seven = []() -> asio::awaitable<int> { co_return 7; };
            ready = co_await weir::with_deadline(begin, seven());
        });
        s.run();
        BOOST_TEST(value == 7);
        BOOST_TEST((late == weir::errc::timed_out));
        BOOST_TEST((past == weir::errc::timed_out));
        BOOST_TEST(ready == 7);
    });
}

BOOST_AUTO_TEST_SUITE_END()
