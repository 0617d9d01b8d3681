#include <weir/policy/with_breaker.hpp>

#include <weir/policy/retry.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/sleep.hpp>

#include "support/hand_clock.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(with_breaker)

const weir::error_code refused = asio::error::connection_refused;

weir::breaker_options two_of_four()
{
    weir::breaker_options options;
    options.window(4).failures(2).open_for(10s);
    return options;
}

asio::awaitable<int> answer(int& calls, weir::error_code error)
{
    ++calls;
    if (error)
        throw weir::system_error(error);
    co_return calls;
}

template <class T>
asio::awaitable<weir::error_code> code_of(asio::awaitable<T> work)
{
    try {
        (void)co_await std::move(work);
    } catch (const weir::system_error& e) {
        co_return e.code();
    } catch (const std::exception&) {
        co_return weir::errc::failed;
    }
    co_return weir::error_code();
}

BOOST_AUTO_TEST_CASE(after_failures_calls_are_refused_at_once_until_a_probe_succeeds)
{
    in_many_orders([](simulation& s) {
        weir::breaker<std::string> hosts(two_of_four());
        int calls = 0;
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto ask = [&](weir::error_code error) {
                return code_of(weir::with_breaker(hosts, "a", answer(calls, error)));
            };
            BOOST_TEST(co_await ask(refused) == refused);
            BOOST_TEST(co_await ask({}) == weir::error_code());
            BOOST_TEST(co_await ask(refused) == refused);
            BOOST_TEST((co_await ask({}) == weir::errc::breaker_open));
            BOOST_TEST(calls == 3); // what is refused is not begun
            co_await weir::async_sleep_for(s.a.get_executor(), 10s);
            BOOST_TEST(co_await ask({}) == weir::error_code());
            BOOST_TEST(co_await ask({}) == weir::error_code());
            BOOST_TEST(hosts.keys() == 0U);
            done = true;
        });
        s.run();
        BOOST_TEST(done);
    });
}

BOOST_AUTO_TEST_CASE(a_rule_says_which_errors_are_failures)
{
    simulation s(1);
    weir::breaker<int> keys(two_of_four());
    int calls = 0;
    s.spawn([&]() -> asio::awaitable<void> {
        const auto rule = [](const weir::error_code& error) {
            return error != asio::error::not_found;
        };
        for (int n = 0; n < 5; ++n) {
            auto call = weir::with_breaker(keys, 1, answer(calls, asio::error::not_found), rule);
            BOOST_TEST(co_await code_of(std::move(call)) == asio::error::not_found);
        }
        BOOST_TEST(keys.keys() == 0U);
        for (int n = 0; n < 2; ++n) {
            auto call = weir::with_breaker(keys, 1, answer(calls, refused), rule);
            (void)co_await code_of(std::move(call));
        }
        BOOST_TEST(keys.broken() == 1U);
        const auto throws = []() -> asio::awaitable<void> {
            throw std::runtime_error("no");
            co_return;
        };
        for (int n = 0; n < 2; ++n)
            (void)co_await code_of(weir::with_breaker(keys, 2, throws()));
        BOOST_TEST(keys.broken() == 2U);
    });
    s.run();
    BOOST_TEST(calls == 7);
}

BOOST_AUTO_TEST_CASE(deferred_operations_and_errors_in_results_count_too)
{
    in_many_orders([](simulation& s) {
        weir::breaker<int> keys(two_of_four());
        weir::semaphore limit(s.a.get_executor(), 1);
        weir::channel<int> values(s.a.get_executor(), 1);
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const weir::permit held = co_await weir::with_breaker(keys, 1, limit.async_acquire());
            BOOST_TEST(bool(held));
            values.close();
            for (int n = 0; n < 2; ++n) {
                const auto sent = co_await weir::with_breaker(keys, 1, values.async_send(7));
                BOOST_TEST(!sent);
            }
            BOOST_TEST(keys.broken() == 1U);
            done = true;
        });
        s.run();
        BOOST_TEST(done);
    });
}

// That its caller lost patience says nothing about the far side.
BOOST_AUTO_TEST_CASE(a_cancelled_operation_counts_for_nothing_and_a_late_one_as_failed)
{
    in_many_orders([](simulation& s) {
        weir::breaker<int> keys(two_of_four());
        const auto sleep = [&] { return weir::async_sleep_for(s.a.get_executor(), 1h); };
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            for (int n = 0; n < 4; ++n) {
                auto call = weir::with_breaker(keys, 1, sleep());
                const auto error = co_await code_of(weir::with_timeout(1s, std::move(call)));
                BOOST_TEST((error == weir::errc::timed_out));
            }
            BOOST_TEST(keys.keys() == 0U);
            for (int n = 0; n < 2; ++n) {
                auto call = weir::with_timeout(1s, sleep());
                const auto error = co_await code_of(weir::with_breaker(keys, 1, std::move(call)));
                BOOST_TEST((error == weir::errc::timed_out));
            }
            BOOST_TEST(keys.broken() == 1U);
            done = true;
        });
        s.run();
        BOOST_TEST(done);
    });
}

BOOST_AUTO_TEST_CASE(a_probe_that_goes_with_its_context_makes_room_for_another)
{
    weir::breaker<int> keys(two_of_four());
    for (int n = 0; n < 2; ++n)
        keys.try_enter(1, weir::time_point{}).failed(weir::time_point{});
    BOOST_TEST(keys.broken() == 1U);
    const weir::time_point now = weir::time_point{} + 10s;
    const auto alive = std::make_shared<int>(0);
    {
        weir::test::hand_clock clock;
        clock.advance_to(now);
        const auto probe = [&keys, alive]() -> asio::awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            co_await weir::with_breaker(keys, 1, weir::async_sleep_for(executor, 1h));
        };
        asio::co_spawn(clock.context(), probe,
                       [alive](std::exception_ptr) { BOOST_ERROR("it is called"); });
        clock.context().poll();
        BOOST_TEST((keys.state(1, now) == weir::breaker_state::half_open));
        BOOST_TEST(!keys.try_enter(1, now));
    }
    BOOST_TEST(alive.use_count() == 1);
    BOOST_TEST((keys.state(1, now) == weir::breaker_state::half_open));
    BOOST_TEST(bool(keys.try_enter(1, now)));
}

// The order that helps: each attempt asks the breaker, and what it refuses is not retried.
BOOST_AUTO_TEST_CASE(a_retry_stops_at_an_open_breaker)
{
    in_many_orders([](simulation& s) {
        weir::breaker<int> keys(two_of_four());
        int calls = 0;
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::retry_policy policy(10);
            policy.backoff(weir::backoff(100ms, 1s, 1));
            const auto attempt = [&] {
                return weir::with_breaker(keys, 1, answer(calls, refused));
            };
            const auto got =
                co_await weir::async_retry(policy, attempt, asio::as_tuple(asio::use_awaitable));
            const auto& [error, attempts, value] = got;
            BOOST_TEST((error == weir::errc::breaker_open));
            BOOST_TEST(attempts.size() == 3U);
            BOOST_TEST(calls == 2);
            done = true;
        });
        s.run();
        BOOST_TEST(done);
    });
}

BOOST_AUTO_TEST_SUITE_END()
