#include <weir/policy/retry.hpp>

#include <weir/policy/timeout.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include "support/counting_allocator.hpp"
#include "support/custom_executor.hpp"
#include "support/hand_clock.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(retry)

const weir::error_code refused = asio::error::connection_refused;
constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

weir::retry_policy policy_of(std::size_t attempts)
{
    weir::retry_policy policy(attempts);
    policy.backoff(weir::backoff(100ms, 1s, 1));
    return policy;
}

/// What an operation completed with.
template <class T>
struct result {
    weir::error_code error;
    weir::retry_attempts attempts;
    std::optional<T> value;
    int calls = 0;

    auto handler()
    {
        return [this](weir::error_code e, weir::retry_attempts a, T v) {
            ++calls;
            error = e;
            attempts = std::move(a);
            value.emplace(std::move(v));
        };
    }
};

/// Fails until it has been called `good` times.
class flaky {
public:
    explicit flaky(int good) : good_(good) {}

    asio::awaitable<int> operator()()
    {
        if (++calls < good_)
            throw weir::system_error(refused);
        co_return calls;
    }

    int calls = 0;

private:
    int good_;
};

/// Completes with an error or a number, as an Asio operation does, on its handler's executor.
template <class Token>
auto async_answer(asio::any_io_executor executor, weir::error_code error, int value, Token&& token)
{
    return asio::async_initiate<Token, void(weir::error_code, int)>(
        [executor](auto&& handler, weir::error_code e, int v) {
            auto own = asio::get_associated_executor(handler, executor);
            asio::post(own, asio::append(std::move(handler), e, v));
        },
        token, error, value);
}

BOOST_AUTO_TEST_CASE(what_succeeds_at_once_is_one_attempt)
{
    in_many_orders([](simulation& s) {
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto seven = []() -> asio::awaitable<int> { co_return 7; };
            const auto got = co_await weir::async_retry(policy_of(3), seven, tuple);
            const auto& [error, attempts, value] = got;
            BOOST_TEST(!error);
            BOOST_TEST(value == 7);
            BOOST_TEST(attempts.size() == 1U);
            BOOST_TEST(attempts.last().succeeded());
            BOOST_TEST((attempts.stop() == weir::retry_stop::succeeded));
            done = true;
        });
        s.run();
        BOOST_TEST(done);
        BOOST_TEST((s.elapsed() == 0s));
    });
}

BOOST_AUTO_TEST_CASE(failures_are_retried_after_a_backoff_and_each_is_recorded)
{
    in_many_orders([](simulation& s) {
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            flaky op(3);
            const auto slowly = [&]() -> asio::awaitable<int> {
                co_await weir::async_sleep_for(s.a.get_executor(), 1s);
                co_return co_await op();
            };
            const auto got = co_await weir::async_retry(policy_of(5), slowly, tuple);
            const auto& [error, attempts, value] = got;
            BOOST_TEST(!error);
            BOOST_TEST(value == 3);
            BOOST_REQUIRE(attempts.size() == 3U);
            for (std::size_t n = 0; n < 3; ++n) {
                BOOST_TEST((attempts[n].took == 1s));
                BOOST_TEST(attempts[n].succeeded() == (n == 2));
                BOOST_TEST((attempts[n].exception != nullptr) == (n < 2));
                BOOST_TEST(attempts[n].error == (n < 2 ? refused : weir::error_code()));
                if (n > 0) {
                    const auto waited = attempts[n].began - attempts[n - 1].began - 1s;
                    BOOST_TEST((waited >= 0s && waited <= n * 100ms));
                }
            }
            BOOST_TEST((attempts.last().began + 1s == weir::now(s.a.get_executor())));
            done = true;
        });
        s.run();
        BOOST_TEST(done);
    });
}

BOOST_AUTO_TEST_CASE(it_ends_with_the_last_error_when_the_attempts_are_used_up)
{
    in_many_orders([](simulation& s) {
        int calls = 0;
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto fails = [&calls]() -> asio::awaitable<void> {
                if (++calls == 1)
                    throw std::runtime_error("something else");
                throw weir::system_error(refused);
                co_return;
            };
            const auto got = co_await weir::async_retry(policy_of(4), fails, tuple);
            const auto& [error, attempts] = got;
            BOOST_TEST(error == refused);
            BOOST_TEST(attempts.size() == 4U);
            BOOST_TEST((attempts.stop() == weir::retry_stop::exhausted));
            BOOST_TEST((attempts[0].error == weir::errc::failed));
            BOOST_CHECK_EXCEPTION(
                std::rethrow_exception(attempts[0].exception), std::runtime_error,
                [](const auto& e) { return e.what() == std::string("something else"); });
            const std::string text = to_string(attempts);
            BOOST_TEST(text.find("4 attempts (exhausted): something else; ") == 0U);
            done = true;
        });
        s.run();
        BOOST_TEST(done);
        BOOST_TEST(calls == 4);
    });
}

BOOST_AUTO_TEST_CASE(a_permanent_error_ends_it_at_once)
{
    simulation s(1);
    int calls = 0;
    bool thrown = false;
    s.spawn([&]() -> asio::awaitable<void> {
        const auto fails = [&calls]() -> asio::awaitable<void> {
            ++calls;
            throw weir::system_error(weir::errc::closed);
            co_return;
        };
        try {
            co_await weir::async_retry(policy_of(4), fails);
        } catch (const weir::system_error& e) {
            thrown = e.code() == weir::errc::closed;
        }
    });
    s.run();
    BOOST_TEST(thrown);
    BOOST_TEST(calls == 1);
    BOOST_TEST((s.elapsed() == 0s));
}

// What needs no coroutine of the user's: operations of weir and of others, with all signatures.
BOOST_AUTO_TEST_CASE(any_deferred_operation_can_be_retried)
{
    in_many_orders([](simulation& s) {
        const asio::any_io_executor executor = s.a.get_executor();
        weir::semaphore limit(executor, 1);
        weir::channel<std::unique_ptr<int>> values(executor, 1);
        int step = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto acquire = [&] { return limit.async_acquire(); };
            const auto one = co_await weir::async_retry(policy_of(2), acquire);
            BOOST_TEST(bool(std::get<1>(one)));

            int calls = 0;
            const auto answer = [&] {
                ++calls;
                return async_answer(executor, calls < 3 ? refused : weir::error_code(), calls,
                                    asio::deferred);
            };
            const auto third = co_await weir::async_retry(policy_of(3), answer, tuple);
            BOOST_TEST(!std::get<0>(third));
            BOOST_TEST(std::get<1>(third).size() == 3U);
            BOOST_TEST(std::get<2>(third) == 3);
            BOOST_TEST(!std::get<1>(third)[0].exception);
            BOOST_TEST(std::get<1>(third)[0].error == refused);

            const auto posted = [&] { return asio::post(executor, asio::deferred); };
            const auto only_attempts = co_await weir::async_retry(policy_of(2), posted);
            BOOST_TEST(only_attempts.size() == 1U);

            values.close();
            const auto send = [&] { return values.async_send(std::make_unique<int>(7)); };
            auto sent = co_await weir::async_retry(policy_of(2), send, tuple);
            BOOST_TEST((std::get<0>(sent) == weir::errc::closed)); // the error of the result
            BOOST_TEST(*std::get<2>(sent).value() == 7);           // which still hands it back
            step = 1;
        });
        s.run();
        BOOST_TEST(step == 1);
    });
}

// A place, a connection, a lock: whatever an attempt holds is for others while this one waits.
BOOST_AUTO_TEST_CASE(nothing_is_held_while_it_waits_for_the_next_attempt)
{
    in_many_orders([](simulation& s) {
        const asio::any_io_executor executor = s.a.get_executor();
        weir::semaphore limit(executor, 1);
        int attempts_made = 0, looked = 0;
        weir::retry_policy policy(2);
        policy.backoff(weir::backoff(1h, 1h, 1));
        s.spawn([&]() -> asio::awaitable<void> {
            const auto in_turn = [&]() -> asio::awaitable<std::shared_ptr<int>> {
                const weir::permit held = co_await limit.async_acquire();
                if (++attempts_made == 1)
                    throw weir::system_error(refused);
                co_return std::make_shared<int>(1);
            };
            (void)co_await weir::async_retry(policy, in_turn, tuple);
        });
        // A deferred operation that fails with a value: the value goes, too.
        auto value = std::make_shared<int>(1);
        const auto with_value =
            [&](weir::this_attempt& attempt) -> asio::awaitable<std::shared_ptr<int>> {
            if (attempt.number() == 1)
                attempt.failed(refused);
            co_return value;
        };
        s.spawn([&]() -> asio::awaitable<void> {
            const auto got = co_await weir::async_retry(policy, with_value, tuple);
            BOOST_TEST(!std::get<0>(got));
        });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(executor, 1ms);
            BOOST_TEST(attempts_made == 1);
            BOOST_TEST(limit.in_use() == 0U);
            BOOST_TEST(value.use_count() == 1);
            ++looked;
        });
        s.run();
        BOOST_TEST(looked == 1);
        BOOST_TEST(attempts_made == 2);
    });
}

BOOST_AUTO_TEST_CASE(an_attempt_can_say_that_it_failed_and_when_to_come_back)
{
    in_many_orders([](simulation& s) {
        std::vector<weir::time_point> times;
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto busy = [&](weir::this_attempt& attempt) -> asio::awaitable<int> {
                const weir::time_point now = weir::now(s.a.get_executor());
                times.push_back(now);
                BOOST_TEST(attempt.number() == times.size());
                BOOST_TEST((attempt.deadline() == weir::time_point::max()));
                if (attempt.number() <= 2) {
                    attempt.failed(weir::errc::full);
                    attempt.not_before(now + 30s);
                }
                co_return 429;
            };
            const auto got = co_await weir::async_retry(policy_of(3), busy, tuple);
            BOOST_TEST(!std::get<0>(got));
            const auto last = co_await weir::async_retry(
                policy_of(1),
                [](weir::this_attempt& attempt) -> asio::awaitable<int> {
                    attempt.failed(weir::errc::full);
                    co_return 429;
                },
                tuple);
            BOOST_TEST((std::get<0>(last) == weir::errc::full));
            BOOST_TEST(std::get<2>(last) == 429);
            done = true;
        });
        s.run();
        BOOST_TEST(done);
        BOOST_REQUIRE(times.size() == 3U);
        BOOST_TEST((times[1] - times[0] >= 30s && times[1] - times[0] <= 30s + 100ms));
        BOOST_TEST((times[2] - times[1] >= 30s && times[2] - times[1] <= 30s + 200ms));
    });
}

BOOST_AUTO_TEST_CASE(an_attempt_may_know_better_than_the_rules_whether_another_may_end_better)
{
    simulation s(1);
    using weir::transience;
    const auto ends = [&](weir::error_code why, transience how, std::size_t attempts) {
        s.spawn([&, why, how, attempts]() -> asio::awaitable<void> {
            const auto fails = [=](weir::this_attempt& attempt) -> asio::awaitable<int> {
                attempt.failed(why, how);
                co_return 1;
            };
            const auto got = co_await weir::async_retry(policy_of(3), fails, tuple);
            BOOST_TEST((std::get<0>(got) == why));
            BOOST_TEST(std::get<1>(got).size() == attempts);
        });
        s.run();
    };
    ends(weir::errc::timed_out, transience::by_policy, 1);
    ends(weir::errc::timed_out, transience::transient, 3);
    ends(refused, transience::by_policy, 3);
    ends(refused, transience::permanent, 1);
}

BOOST_AUTO_TEST_CASE(a_wait_may_be_asked_for_by_its_length)
{
    simulation s(1);
    std::vector<weir::time_point> times;
    s.spawn([&]() -> asio::awaitable<void> {
        const auto busy = [&](weir::this_attempt& attempt) -> asio::awaitable<void> {
            const auto executor = s.a.get_executor();
            times.push_back(weir::now(executor));
            if (attempt.number() == 1) {
                attempt.wait_at_least(30s); // counts from the end of the attempt
                attempt.not_before(times[0] + 10s);
                attempt.failed(weir::errc::full);
            }
            if (attempt.number() == 2) { // what was asked for once counts once
                attempt.failed(weir::errc::full);
            }
            co_await weir::async_sleep_for(executor, 5s);
        };
        co_await weir::async_retry(policy_of(3), busy, tuple);
    });
    s.run();
    BOOST_REQUIRE(times.size() == 3U);
    BOOST_TEST((times[1] - times[0] >= 35s && times[1] - times[0] <= 35s + 100ms));
    BOOST_TEST((times[2] - times[1] <= 5s + 200ms));
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_for_the_next_attempt_ends_at_once)
{
    for (const auto kind : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                            asio::cancellation_type::total})
        in_many_orders([&](simulation& s) {
            asio::cancellation_signal signal;
            result<int> got;
            weir::retry_policy policy(5);
            policy.backoff(weir::backoff(1h, 1h, 1));
            const auto fails = []() -> asio::awaitable<int> {
                throw weir::system_error(refused);
                co_return 0;
            };
            weir::async_retry(s.a.get_executor(), policy, fails,
                              asio::bind_cancellation_slot(signal.slot(), got.handler()));
            const weir::alarm later(s.a.get_executor(), weir::now(s.a.get_executor()) + 1ms,
                                    [&] { signal.emit(kind); });
            s.run();
            BOOST_TEST(got.calls == 1);
            BOOST_TEST(got.error == asio::error::operation_aborted);
            BOOST_TEST(got.attempts.size() == 1U);
            BOOST_TEST((got.attempts.stop() == weir::retry_stop::cancelled));
            BOOST_TEST((s.elapsed() == 1ms));
            signal.emit(kind); // it is over
        });
}

BOOST_AUTO_TEST_CASE(cancelling_reaches_the_attempt_that_runs)
{
    in_many_orders([](simulation& s) {
        for (const bool is_coroutine : {true, false}) {
            asio::cancellation_signal signal;
            std::optional<weir::error_code> error;
            std::optional<weir::retry_attempts> attempts;
            const auto handler = [&](weir::error_code e, weir::retry_attempts a) {
                error = e;
                attempts = std::move(a);
            };
            auto token = asio::bind_cancellation_slot(signal.slot(), handler);
            const asio::any_io_executor executor = s.a.get_executor();
            if (is_coroutine)
                weir::async_retry(
                    executor, policy_of(5),
                    [&]() -> asio::awaitable<void> {
                        co_await weir::async_sleep_for(executor, 1h);
                    },
                    token);
            else
                weir::async_retry(
                    executor, policy_of(5), [&] { return weir::async_sleep_for(executor, 1h); },
                    token);
            const weir::alarm later(executor, weir::now(executor) + 1s,
                                    [&] { signal.emit(asio::cancellation_type::total); });
            s.world.run();
            BOOST_REQUIRE(error.has_value());
            BOOST_TEST(*error == asio::error::operation_aborted);
            BOOST_TEST(attempts->size() == 1U);
            BOOST_TEST(attempts->last().error == asio::error::operation_aborted);
            BOOST_TEST((attempts->last().took == 1s));
        }
        BOOST_TEST((s.elapsed() == 2s));
    });
}

BOOST_AUTO_TEST_CASE(cancelled_before_the_first_attempt_it_makes_none)
{
    in_many_orders([](simulation& s) {
        asio::cancellation_signal signal;
        result<int> got;
        int calls = 0;
        const auto op = [&]() -> asio::awaitable<int> { co_return ++calls; };
        weir::async_retry(s.a.get_executor(), policy_of(5), op,
                          asio::bind_cancellation_slot(signal.slot(), got.handler()));
        signal.emit(asio::cancellation_type::terminal);
        s.run();
        BOOST_TEST(calls == 0);
        BOOST_TEST(got.calls == 1);
        BOOST_TEST(got.error == asio::error::operation_aborted);
        BOOST_TEST(got.attempts.empty());
    });
}

// An operation that has succeeded stays so.
BOOST_AUTO_TEST_CASE(an_attempt_that_succeeds_though_cancelled_is_a_success)
{
    in_many_orders([](simulation& s) {
        asio::cancellation_signal signal;
        result<int> got;
        weir::event go;
        const auto stubborn = [&]() -> asio::awaitable<int> {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await go.async_wait(s.a.get_executor(), asio::use_awaitable);
            co_return 7;
        };
        weir::async_retry(s.a.get_executor(), policy_of(5), stubborn,
                          asio::bind_cancellation_slot(signal.slot(), got.handler()));
        const weir::alarm later(s.a.get_executor(), weir::now(s.a.get_executor()) + 1s, [&] {
            signal.emit(asio::cancellation_type::terminal);
            go.set();
        });
        s.run();
        BOOST_TEST(got.calls == 1);
        BOOST_TEST(!got.error);
        BOOST_TEST(*got.value == 7);
    });
}

BOOST_AUTO_TEST_CASE(no_wait_outlasts_the_deadline)
{
    in_many_orders([](simulation& s) {
        const asio::any_io_executor executor = s.a.get_executor();
        weir::retry_policy policy(100);
        policy.backoff(weir::backoff(10s, 10s, 1));
        result<int> got;
        const weir::time_point deadline = weir::now(executor) + 60s;
        const auto fails = [&](weir::this_attempt& attempt) -> asio::awaitable<int> {
            BOOST_TEST((attempt.deadline() == deadline));
            BOOST_TEST((weir::now(executor) < deadline));
            throw weir::system_error(refused);
            co_return 0;
        };
        weir::async_retry_until(executor, deadline, policy, fails, got.handler());
        s.run();
        BOOST_TEST(got.error == refused); // the last error says more than that time was over
        BOOST_TEST((got.attempts.stop() == weir::retry_stop::deadline));
        BOOST_TEST(got.attempts.size() > 3U);
        BOOST_TEST((s.elapsed() < 60s));
    });
}

BOOST_AUTO_TEST_CASE(the_deadline_cuts_an_attempt_off)
{
    in_many_orders([](simulation& s) {
        const asio::any_io_executor executor = s.a.get_executor();
        for (const bool is_coroutine : {true, false}) {
            std::optional<weir::error_code> error;
            std::optional<weir::retry_attempts> attempts;
            const auto handler = [&](weir::error_code e, weir::retry_attempts a) {
                error = e;
                attempts = std::move(a);
            };
            const weir::time_point deadline = weir::now(executor) + 5s;
            if (is_coroutine)
                weir::async_retry_until(
                    executor, deadline, policy_of(5),
                    [&]() -> asio::awaitable<void> {
                        co_await weir::async_sleep_for(executor, 1h);
                    },
                    handler);
            else
                weir::async_retry_until(
                    executor, deadline, policy_of(5),
                    [&] { return weir::async_sleep_for(executor, 1h); }, handler);
            s.world.run();
            BOOST_REQUIRE(error.has_value());
            BOOST_TEST((*error == weir::errc::timed_out));
            BOOST_TEST((attempts->stop() == weir::retry_stop::deadline));
            BOOST_TEST(attempts->size() == 1U);
            BOOST_TEST((weir::now(executor) == deadline));
        }
        result<int> past;
        int calls = 0;
        const auto op = [&]() -> asio::awaitable<int> { co_return ++calls; };
        weir::async_retry_until(executor, weir::now(executor), policy_of(5), op, past.handler());
        s.run();
        BOOST_TEST((past.error == weir::errc::timed_out));
        BOOST_TEST(past.attempts.empty());
        BOOST_TEST(calls == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_budget_that_is_spent_ends_it_and_a_first_success_fills_it)
{
    in_many_orders([](simulation& s) {
        weir::retry_budget_options options;
        options.floor(2).ratio(1);
        const auto budget = std::make_shared<weir::sliding_retry_budget>(options);
        weir::retry_policy policy = policy_of(10);
        policy.budget(budget);
        bool done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto fails = []() -> asio::awaitable<int> {
                throw weir::system_error(refused);
                co_return 0;
            };
            const auto good = []() -> asio::awaitable<int> { co_return 1; };
            const auto first = co_await weir::async_retry(policy, fails, tuple);
            BOOST_TEST(std::get<1>(first).size() == 3U);
            BOOST_TEST((std::get<1>(first).stop() == weir::retry_stop::budget));
            BOOST_TEST(std::get<0>(first) == refused);
            const auto second = co_await weir::async_retry(policy, good, tuple);
            BOOST_TEST(!std::get<0>(second));
            const auto third = co_await weir::async_retry(policy, fails, tuple);
            BOOST_TEST(std::get<1>(third).size() == 2U);
            done = true;
        });
        s.run();
        BOOST_TEST(done);
        BOOST_TEST(budget->withdrawn() == 3U);
    });
}

// A coroutine on another context, and a handler that belongs to this one.
BOOST_AUTO_TEST_CASE(attempts_and_handler_run_on_the_handlers_executor)
{
    in_many_orders([](simulation& s) {
        int calls = 0, ended = 0;
        bool inside = true;
        const auto op = [&]() -> asio::awaitable<int> {
            BOOST_TEST(s.world.running() == &s.b);
            BOOST_TEST(!inside);
            if (++calls < 3)
                throw weir::system_error(refused);
            co_return 7;
        };
        const auto handler = [&](weir::error_code error, const weir::retry_attempts&, int value) {
            BOOST_TEST(s.world.running() == &s.b);
            BOOST_TEST(!inside);
            BOOST_TEST(!error);
            BOOST_TEST(value == 7);
            ++ended;
        };
        weir::async_retry(s.a.get_executor(), policy_of(5), op,
                          asio::bind_executor(s.b.get_executor(), handler));
        inside = false;
        s.run();
        BOOST_TEST(ended == 1);
    });
}

BOOST_AUTO_TEST_CASE(its_memory_is_of_the_handlers_allocator_and_is_freed_before_the_handler_runs)
{
    in_many_orders([](simulation& s) {
        weir::test::allocations count;
        bool called = false;
        int calls = 0;
        weir::semaphore limit(s.a.get_executor(), 1);
        const auto op = [&] {
            return async_answer(s.a.get_executor(), ++calls < 3 ? refused : weir::error_code(), 1,
                                asio::deferred);
        };
        const auto handler = [&](weir::error_code error, const weir::retry_attempts&, int) {
            called = true;
            BOOST_TEST(!error);
            BOOST_TEST(count.alive == 0U);
        };
        weir::async_retry_until(
            s.a.get_executor(), weir::now(s.a.get_executor()) + 1h, policy_of(5), op,
            asio::bind_allocator(weir::test::counting_allocator<void>(count), handler));
        BOOST_TEST(count.made >= 1U);
        s.run();
        BOOST_TEST(called);
        BOOST_TEST(count.made >= 3U); // the whole, and each wait
    });
}

// With no executor of its own, and none given before the policy, a handler would have no place. So
// this does not compile; with a coroutine's executor it does, and without a token too.
BOOST_AUTO_TEST_CASE(without_a_token_it_is_deferred_and_may_have_a_timeout)
{
    in_many_orders([](simulation& s) {
        bool late = false, done = false;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto slow = [&] { return weir::async_sleep_for(s.a.get_executor(), 1h); };
            try {
                co_await weir::with_timeout(1s, weir::async_retry(policy_of(3), slow));
            } catch (const weir::system_error& e) {
                late = e.code() == weir::errc::timed_out;
            }
            flaky op(2);
            const auto keeps = [&op] { return op(); };
            const auto got =
                co_await weir::with_timeout(1h, weir::async_retry(policy_of(3), keeps));
            done = std::get<1>(got) == 2;
        });
        s.run();
        BOOST_TEST(late);
        BOOST_TEST(done);
    });
}

BOOST_AUTO_TEST_CASE(a_call_of_the_operation_that_throws_is_a_failed_attempt)
{
    simulation s(1);
    int calls = 0;
    result<int> got;
    const auto op = [&]() {
        if (++calls < 3)
            throw std::runtime_error("cannot begin");
        return async_answer(s.a.get_executor(), weir::error_code(), 5, asio::deferred);
    };
    weir::async_retry(s.a.get_executor(), policy_of(5), op, got.handler());
    s.run();
    BOOST_TEST(!got.error);
    BOOST_TEST(got.attempts.size() == 3U);
    BOOST_TEST((got.attempts[0].error == weir::errc::failed));
}

BOOST_AUTO_TEST_CASE(it_ends_with_the_error_of_a_clock_that_cannot_be_set)
{
    for (const int deadline_first : {0, 1}) {
        weir::test::hand_clock clock;
        result<int> got;
        int calls = 0;
        const auto fails = [&]() -> asio::awaitable<int> {
            ++calls;
            throw weir::system_error(refused);
            co_return 0;
        };
        weir::retry_policy policy(5);
        policy.backoff(weir::backoff(1h, 1h, 1));
        clock.fail_next(1);
        if (deadline_first == 1)
            weir::async_retry_until(clock.executor(), weir::time_point{} + 1h, policy, fails,
                                    got.handler());
        else
            weir::async_retry(clock.executor(), policy, fails, got.handler());
        clock.context().run();
        BOOST_TEST(got.calls == 1);
        BOOST_TEST(got.error.value() == EMFILE);
        BOOST_TEST(calls == 1 - deadline_first);
        BOOST_TEST(got.attempts.size() == static_cast<std::size_t>(1 - deadline_first));
    }
}

// Whatever it is doing: it goes with its context, and what the operation holds goes too.
BOOST_AUTO_TEST_CASE(it_is_dropped_with_its_context)
{
    enum class at { first_step, attempt, coroutine, sleep };
    for (const at when : {at::first_step, at::attempt, at::coroutine, at::sleep})
        for (const bool deadline : {false, true})
            for (const bool strand : {false, true}) {
                const auto alive = std::make_shared<int>(0);
                asio::io_context other;
                {
                    asio::io_context io;
                    weir::semaphore never(other.get_executor(), weir::paused);
                    const asio::any_io_executor executor =
                        strand ? asio::any_io_executor(asio::make_strand(io)) : io.get_executor();
                    weir::retry_policy policy(5);
                    policy.backoff(weir::backoff(1h, 1h, 1));
                    const auto until =
                        std::chrono::steady_clock::time_point::max() - (deadline ? 1h : 0h);
                    const auto handler = [alive](auto&&...) {
                        BOOST_ERROR("the handler is called");
                    };
                    const auto deferred = [&never, alive, when] {
                        if (when == at::sleep)
                            throw weir::system_error(refused);
                        return never.async_acquire();
                    };
                    const auto coroutine = [&never, alive]() -> asio::awaitable<void> {
                        const auto held = alive;
                        (void)co_await never.async_acquire();
                    };
                    if (when == at::coroutine)
                        weir::async_retry_until(executor, until, policy, coroutine, handler);
                    else
                        weir::async_retry_until(executor, until, policy, deferred, handler);
                    if (when != at::first_step)
                        io.poll();
                    BOOST_TEST(alive.use_count() > 2);
                }
                BOOST_TEST(alive.use_count() == 1);
            }
}

// On an executor that runs functions on several threads at once: attempts are in a strand.
BOOST_AUTO_TEST_CASE(an_executor_that_is_not_serial_will_do)
{
    asio::io_context io;
    int inside = 0, calls = 0;
    result<int> got;
    const weir::test::custom_executor executor(io, inside);
    const auto op = [&]() -> asio::awaitable<int> {
        BOOST_TEST(inside > 0);
        co_await asio::post(asio::use_awaitable);
        BOOST_TEST(inside > 0);
        if (++calls < 3)
            throw weir::system_error(refused);
        co_return 7;
    };
    weir::retry_policy policy(5);
    policy.backoff(weir::backoff(1ns, 1ns, 1));
    asio::cancellation_signal signal;
    weir::async_retry(executor, policy, op,
                      asio::bind_cancellation_slot(signal.slot(), got.handler()));
    io.run();
    BOOST_TEST(got.calls == 1);
    BOOST_TEST(*got.value == 7);
    result<int> cancelled;
    const auto waits = [&]() -> asio::awaitable<int> {
        co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h);
        co_return 1;
    };
    weir::async_retry(executor, policy, waits,
                      asio::bind_cancellation_slot(signal.slot(), cancelled.handler()));
    io.restart();
    io.poll();
    BOOST_TEST(cancelled.calls == 0);
    signal.emit(asio::cancellation_type::terminal);
    io.restart();
    io.run();
    BOOST_TEST(cancelled.calls == 1);
    BOOST_TEST(cancelled.error == asio::error::operation_aborted);
}

// The slot of a signal that outlives the operation, and its context.
BOOST_AUTO_TEST_CASE(a_signal_may_outlive_the_strand_that_it_reached)
{
    asio::cancellation_signal signal;
    const auto alive = std::make_shared<int>(0);
    {
        asio::io_context io;
        int inside = 0;
        const weir::test::custom_executor executor(io, inside);
        const auto waits = [&]() -> asio::awaitable<int> {
            co_await weir::async_sleep_for(co_await asio::this_coro::executor, 1h);
            co_return 1;
        };
        const auto handler = [alive](auto&&...) { BOOST_ERROR("the handler is called"); };
        weir::async_retry(executor, policy_of(2), waits,
                          asio::bind_cancellation_slot(signal.slot(), handler));
        io.poll();
    }
    BOOST_TEST(alive.use_count() == 1);
    signal.emit(asio::cancellation_type::terminal);
}

// The same while it sleeps: there is no attempt whose slot could say that all is gone.
BOOST_AUTO_TEST_CASE(a_signal_may_outlive_a_retry_that_sleeps)
{
    asio::cancellation_signal signal;
    const auto alive = std::make_shared<int>(0);
    int attempts = 0;
    {
        asio::io_context io;
        const auto fails = [&]() -> asio::awaitable<int> {
            ++attempts;
            throw std::runtime_error("no");
            co_return 1;
        };
        const auto handler = [alive](auto&&...) { BOOST_ERROR("the handler is called"); };
        auto policy = policy_of(2);
        policy.backoff(weir::backoff(1h, 1h, 1));
        weir::async_retry(policy, fails,
                          asio::bind_cancellation_slot(
                              signal.slot(), asio::bind_executor(asio::make_strand(io), handler)));
        io.poll();
        BOOST_TEST(attempts == 1);
    }
    BOOST_TEST(alive.use_count() == 1);
    signal.emit(asio::cancellation_type::terminal);
}

BOOST_AUTO_TEST_SUITE_END()
