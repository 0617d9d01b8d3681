// 400 jobs for an origin that allows 20 requests a second and answers 429 to all beyond that: a
// limit for the host that can be held, a rate, and retries, as examples/25_twenty_a_second.cpp has
// them.
#include <weir/policy/keyed_semaphore.hpp>
#include <weir/policy/rate_limiter.hpp>
#include <weir/policy/retry.hpp>
#include <weir/time/sleep.hpp>

#include "support/repeats.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::repeats;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(twenty_a_second)

constexpr int jobs = 400;

/// Saves up 20 requests.
struct bucket {
    explicit bucket(simulation& s) : tokens(s.b.get_executor(), weir::rate::per_second(20), 20) {}
    bool allows(weir::time_point now) { return tokens.try_acquire_at(now); }
    void use_up()
    {
        while (tokens.try_acquire())
            continue;
    }

    weir::rate_limiter tokens;
};

/// Counts strictly, by the seconds of its clock.
struct strict_windows {
    explicit strict_windows(simulation& s) : began(s.world.began()) {}
    bool allows(weir::time_point now)
    {
        const auto second = (now - began) / 1s;
        if (second != std::exchange(last, second))
            used = 0;
        return ++used <= 20;
    }
    void use_up() { used = 20; }

    weir::time_point began;
    weir::duration::rep last = 0;
    int used = 0;
};

template <class Origin>
struct client {
    client(simulation& sim, weir::rate allowed)
        : s(sim), origin(sim), hosts(s.a.get_executor(), 4), rate(s.a.get_executor(), allowed, 1)
    {
        policy.backoff(weir::backoff(10ms, 1s, s.world.seed()));
    }

    asio::awaitable<void> attempt(weir::this_attempt& self)
    {
        const auto place = co_await hosts.async_acquire("api");
        co_await rate.async_acquire();
        const auto there = 1ms * static_cast<int>(20 + s.world.choose(60));
        co_await weir::async_sleep_for(s.a.get_executor(), there);
        const bool allowed = origin.allows(s.world.now());
        const auto back = 1ms * static_cast<int>(20 + s.world.choose(60));
        co_await weir::async_sleep_for(s.a.get_executor(), back);
        ++requests;
        if (allowed)
            co_return;
        ++refused;
        (void)hosts.hold("api", s.world.now() + 1s); // Retry-After: 1
        self.failed(asio::error::try_again);
    }

    asio::awaitable<void> job()
    {
        const auto once = [this](weir::this_attempt& self) { return attempt(self); };
        const auto ended =
            co_await weir::async_retry(policy, once, asio::as_tuple(asio::use_awaitable));
        succeeded += !std::get<0>(ended);
    }

    void run()
    {
        for (int i = 0; i < jobs; ++i)
            s.spawn([this] { return job(); });
        s.run();
        BOOST_TEST(succeeded == jobs);
        BOOST_TEST(requests == jobs + refused);
        BOOST_TEST(refused < 0.05 * requests);
        BOOST_TEST((s.elapsed() <= jobs * 1s / 20 / 0.9)); // 90 % of what the origin allows
        BOOST_TEST(hosts.in_use() == 0U);
        BOOST_TEST(rate.waiters() == 0U);
    }

    simulation& s;
    Origin origin;
    weir::keyed_semaphore<std::string> hosts;
    weir::rate_limiter rate;
    weir::retry_policy policy{5};
    int requests = 0, refused = 0, succeeded = 0;
};

BOOST_AUTO_TEST_CASE(an_origin_with_a_bucket_that_is_empty_at_first)
{
    in_many_orders(
        [](simulation& s) {
            client<bucket> c(s, weir::rate::per_second(20));
            c.origin.use_up(); // others were here
            c.run();
            BOOST_TEST(c.refused > 0);
        },
        repeats(50));
}

BOOST_AUTO_TEST_CASE(an_origin_that_others_empty_in_the_middle)
{
    in_many_orders(
        [](simulation& s) {
            client<bucket> c(s, weir::rate::per_second(20));
            weir::async_sleep_for(s.b.get_executor(), 7s,
                                  [&](weir::error_code) { c.origin.use_up(); });
            c.run();
            BOOST_TEST(c.refused > 0);
        },
        repeats(50));
}

// What leaves evenly does not arrive evenly: one that counts strictly wants a little less.
BOOST_AUTO_TEST_CASE(an_origin_that_counts_strictly_and_a_client_that_stays_below)
{
    in_many_orders(
        [](simulation& s) {
            client<strict_windows> c(s, weir::rate::per_second(19));
            c.run();
            BOOST_TEST(c.refused == 0);
        },
        repeats(50));
}

BOOST_AUTO_TEST_SUITE_END()
