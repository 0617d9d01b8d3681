#include <weir/flow/map.hpp>

#include "flow/streams.hpp"
#include "support/numbers.hpp"
#include "support/simulation.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::one_to;
using weir::test::simulation;
using weir::test::sleep_for;
using numbers = std::vector<int>;

BOOST_AUTO_TEST_SUITE(map)

BOOST_AUTO_TEST_CASE(in_order_an_error_comes_exactly_after_the_results_before_it)
{
    in_many_orders([](simulation& s) {
        int finished = 0, cut = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            // The third fails first; the first two take longer, and those behind it run forever.
            const auto work = [&](int n) -> asio::awaitable<int> {
                try {
                    co_await sleep_for(n < 3 ? 10s : n == 3 ? 1s : 1h);
                } catch (...) {
                    ++cut;
                    throw;
                }
                if (n == 3)
                    throw std::runtime_error("three");
                ++finished;
                co_return n;
            };
            auto results = weir::map(one_to(100), 6, work);
            BOOST_TEST((co_await results.next()).value() == 1);
            BOOST_TEST((co_await results.next()).value() == 2);
            std::string error;
            try {
                co_await results.next();
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
            BOOST_TEST(error == "three");
            BOOST_TEST(!(co_await results.next())); // once
            const weir::stage_counts counts = results.counts()[0];
            BOOST_TEST(counts.entered == 6U);
            BOOST_TEST(counts.delivered == 2U);
            BOOST_TEST(counts.failed == 1U);
            BOOST_TEST(counts.dropped == 3U);
        });
        s.run();
        BOOST_TEST(finished == 2);
        BOOST_TEST(cut == 3);
        BOOST_TEST((s.elapsed() == 10s));
    });
}

BOOST_AUTO_TEST_CASE(in_order_an_earlier_error_takes_the_place_of_a_later_one)
{
    in_many_orders([](simulation& s) {
        std::string error;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&](int n) -> asio::awaitable<int> {
                co_await sleep_for((6 - n) * 1s); // later ones fail first
                if (n >= 2)
                    throw std::runtime_error(std::to_string(n));
                co_return n;
            };
            auto results = weir::map(one_to(5), 5, work);
            BOOST_TEST((co_await results.next()).value() == 1);
            try {
                co_await results.next();
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
        });
        s.run();
        BOOST_TEST(error == "2");
    });
}

BOOST_AUTO_TEST_CASE(as_completed_the_first_error_cancels_the_others)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&](int n) -> asio::awaitable<int> {
                co_await sleep_for(n <= 2 ? 1s : n == 3 ? 2s : 1h);
                if (n == 3)
                    throw std::runtime_error("three");
                co_return n;
            };
            auto results = weir::map(one_to(100), 5, work, weir::order::as_completed);
            co_await sleep_for(1s);
            int before = 0;
            std::string error;
            try {
                while (co_await results.next())
                    ++before;
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
            BOOST_TEST(error == "three");
            BOOST_TEST(before == 2);
            BOOST_TEST(results.counts()[0].in_flight() == 0U);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 3s));
    });
}

BOOST_AUTO_TEST_CASE(an_error_of_the_range_comes_after_the_results_of_what_it_gave)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto pull = [](int n) {
                return n == 3 ? throw std::runtime_error("no more") : n;
            };
            auto range = weir::test::numbers(pull);
            const auto work = [](int n) -> asio::awaitable<int> {
                co_await sleep_for((5 - n) * 1s);
                co_return n;
            };
            auto results = weir::map(range, 8, work);
            std::string error;
            numbers got;
            try {
                while (auto result = co_await results.next())
                    got.push_back(*result);
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
            BOOST_TEST(error == "no more");
            BOOST_TEST((got == numbers{0, 1, 2}));
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(map_outcomes_reports_every_error_and_stops_nothing)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [](int n) -> asio::awaitable<int> {
                co_await sleep_for(n % 4 * 1s);
                if (n % 3 == 0)
                    throw std::runtime_error("a third");
                co_return n;
            };
            auto results = weir::map_outcomes(one_to(20), 4, work);
            int next = 0;
            while (auto result = co_await results.next()) {
                ++next;
                BOOST_TEST(result->id() == static_cast<weir::job_id>(next));
                if (next % 3 == 0) {
                    BOOST_CHECK(result->status() == weir::status::failed);
                    BOOST_CHECK_THROW((void)result->value(), std::runtime_error);
                } else {
                    BOOST_TEST(result->value() == next);
                }
            }
            BOOST_TEST(next == 20);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(in_order_an_error_cancels_the_calls_behind_it_at_once)
{
    in_many_orders([](simulation& s) {
        int cut = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&](int n) -> asio::awaitable<int> {
                try {
                    co_await sleep_for(n == 1 ? 10s : n == 2 ? 1s : 1h);
                } catch (...) {
                    BOOST_TEST((s.elapsed() == 1s)); // and not when it is the turn of the second
                    ++cut;
                    throw;
                }
                if (n == 2)
                    throw std::runtime_error("two");
                co_return n;
            };
            auto results = weir::map(one_to(4), 4, work);
            BOOST_TEST((co_await results.next()).value() == 1);
            BOOST_TEST(cut == 2);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 10s));
    });
}

BOOST_AUTO_TEST_SUITE_END()
