#include <weir/policy/admission.hpp>
#include <weir/policy/keyed_rate_limiter.hpp>
#include <weir/policy/rate_limiter.hpp>

#include <weir/run/cancel.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/time/clock.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::rate;

namespace {

void rethrow(std::exception_ptr error)
{
    if (error)
        std::rethrow_exception(error);
}

/// Coroutines on three threads. The source of every second one fires meanwhile.
template <class User, class Meanwhile>
void crowd(weir::runner_pool& runners, User user, Meanwhile meanwhile)
{
    std::vector<std::unique_ptr<weir::cancel_source>> sources;
    for (std::size_t i = 0; i < 12; ++i) {
        sources.push_back(std::make_unique<weir::cancel_source>());
        const auto executor = runners.get_executor();
        const auto body = [&user, executor, i,
                           token = sources.back()->token()]() -> asio::awaitable<void> {
            weir::cancel_link link(token, executor);
            for (std::size_t n = 0; n < 200; ++n) {
                co_await user(i, n, link);
                if (n % 3 == 0)
                    co_await asio::post(executor, asio::use_awaitable);
            }
        };
        asio::co_spawn(executor, body, rethrow);
    }
    for (std::size_t i = 0; i < sources.size(); i += 2) {
        meanwhile(i);
        sources[i]->cancel();
        std::this_thread::yield();
    }
    runners.join();
}

const auto quiet = asio::as_tuple(asio::use_awaitable);

} // namespace

BOOST_AUTO_TEST_SUITE(stress_limits)

BOOST_AUTO_TEST_CASE(passes_balance_between_threads_under_cancels_and_changes)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 10; ++round) {
        weir::runner_pool runners(3);
        weir::admission_limits limits;
        const auto places = limits.count(3), bytes = limits.count(100);
        weir::admission<std::size_t> all(runners.get_executor(),
                                         limits.per_key(2).rate(rate(1, 1us), 50));
        std::atomic<std::size_t> inside{0}, used{0};
        std::array<std::atomic<std::size_t>, 3> of_key{};
        std::atomic<bool> too_many{false};
        std::atomic<long> granted{0};
        const auto user = [&](std::size_t i, std::size_t n,
                              weir::cancel_link& link) -> asio::awaitable<void> {
            const std::size_t key = (i + n) % 3, amount = 1 + (i * n) % 60;
            weir::admission_request<std::size_t> r;
            r.take(places).take(bytes, amount);
            if (n % 2 == 0)
                r.key(key);
            if (n % 4 != 0)
                r.tokens(1 + n % 3);
            const auto until =
                n % 7 == 0 ? weir::now(runners.executor(0)) + 50us : weir::time_point::max();
            auto token = asio::bind_cancellation_slot(link.slot(), quiet);
            auto got = co_await all.async_acquire_until(until, r, token);
            if (std::get<0>(got))
                co_return;
            auto& pass = std::get<1>(got);
            ++granted;
            const bool has_key = pass.key_amount() != 0;
            if (++inside > 4 || (used += amount) > 120 || (has_key && ++of_key[key] > 3))
                too_many = true;
            if (n % 5 == 0)
                co_await asio::post(runners.executor(n % 3), asio::use_awaitable);
            const bool grown = n % 6 == 0 && pass.try_grow(bytes, 5);
            if (has_key)
                --of_key[key];
            used -= amount;
            --inside;
            if (grown)
                pass.split(bytes, 5).release();
            pass.split_key().release();
        };
        crowd(runners, user, [&](std::size_t i) {
            all.resize(places, 2 + i % 3);
            all.resize(bytes, 80 + 10 * (i % 5));
            all.resize_keys(2 + i % 2);
            all.change(rate(1 + i, 1us), 40 + i);
        });
        BOOST_TEST(granted > 0);
        BOOST_TEST(!too_many);
        BOOST_TEST(all.in_use(places) == 0U);
        BOOST_TEST(all.in_use(bytes) == 0U);
        BOOST_TEST(all.keys() == 0U);
        BOOST_TEST(all.waiters() == 0U);
    }
}

// What is granted is counted before the time is read, so that the bound is never too narrow.
BOOST_AUTO_TEST_CASE(no_thread_gets_more_tokens_than_the_burst_and_the_rate)
{
    const weir::test::watchdog guard;
    for (int round = 0; round < 10; ++round) {
        weir::runner_pool runners(3);
        const auto clock = runners.executor(0);
        weir::rate_limiter one(clock, rate(1, 2us), 20);
        weir::keyed_rate_limiter<std::size_t> each(clock, rate(1, 2us), 20, 3);
        const auto begin = weir::now(clock);
        std::array<std::atomic<std::size_t>, 4> tokens{};
        const auto user = [&](std::size_t i, std::size_t n,
                              weir::cancel_link& link) -> asio::awaitable<void> {
            const std::size_t key = (i + n) % 3, weight = 1 + n % 4;
            auto token = asio::bind_cancellation_slot(link.slot(), quiet);
            const auto until = n % 7 == 0 ? weir::now(clock) + 20us : weir::time_point::max();
            const auto first = co_await one.async_acquire_until(until, weight, token);
            tokens[3] += std::get<0>(first) ? 0 : weight;
            const auto second = co_await each.async_acquire_until(until, key, weight, token);
            tokens[key] += std::get<0>(second) ? 0 : weight;
        };
        crowd(runners, user, [&](std::size_t) {
            one.change(rate(1, 2us), 20);
            each.change(rate(1, 2us), 20);
        });
        std::array<std::size_t, 4> taken{};
        for (std::size_t i = 0; i < taken.size(); ++i)
            taken[i] = tokens[i];
        const auto most = 20 + static_cast<std::size_t>((weir::now(clock) - begin) / 2us);
        for (const std::size_t n : taken) {
            BOOST_TEST(n > 0U);
            BOOST_TEST(n <= most);
        }
        BOOST_TEST(one.waiters() == 0U);
        BOOST_TEST(each.waiters() == 0U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
