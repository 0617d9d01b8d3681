#include <weir/policy/timeout.hpp>

#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <stdexcept>

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
        co_await std::move(work);
    } catch (const weir::system_error& e) {
        co_return e.code();
    }
    co_return weir::error_code();
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

BOOST_AUTO_TEST_SUITE_END()
