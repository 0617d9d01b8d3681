#include <weir/flow/map.hpp>

#include <weir/sync/semaphore.hpp>

#include "flow/streams.hpp"
#include "support/numbers.hpp"
#include "support/simulation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::all_of;
using weir::test::in_many_orders;
using weir::test::one_to;
using weir::test::simulation;
using weir::test::sleep_for;
using numbers = std::vector<int>;

BOOST_AUTO_TEST_SUITE(map)

BOOST_AUTO_TEST_CASE(results_come_in_the_order_of_the_items)
{
    in_many_orders([](simulation& s) {
        int now = 0, most = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto square = [&](int n) -> asio::awaitable<int> {
                most = std::max(most, ++now);
                co_await sleep_for((7 * n % 5) * 1s);
                --now;
                co_return n* n;
            };
            const numbers items = one_to(30);
            auto results = weir::map(items, 4, square);
            const numbers got = co_await all_of(results);
            BOOST_REQUIRE(got.size() == 30U);
            for (int n = 1; n <= 30; ++n)
                BOOST_TEST(got[static_cast<std::size_t>(n - 1)] == n * n);
            BOOST_TEST(!(co_await results.next())); // the end stays the end
            BOOST_TEST(results.counts()[0].delivered == 30U);
        });
        s.run();
        BOOST_TEST(most == 4);
    });
}

BOOST_AUTO_TEST_CASE(as_completed_the_first_that_is_ready_comes_first)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto wait = [](int n) -> asio::awaitable<int> {
                co_await sleep_for(n * 1s);
                co_return n;
            };
            const numbers items = {5, 1, 3, 2, 4};
            auto results = weir::map(items, 5, wait, weir::order::as_completed);
            const numbers got = co_await all_of(results);
            BOOST_TEST(got == one_to(5), boost::test_tools::per_element());
        });
        s.run();
        BOOST_TEST((s.elapsed() == 5s));
    });
}

// As completed, a long call holds no other back: batches of three would take 12 s.
BOOST_AUTO_TEST_CASE(it_is_a_window_and_no_batches)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto wait = [](int n) -> asio::awaitable<int> {
                co_await sleep_for(n * 1s);
                co_return n;
            };
            const numbers items = {4, 1, 1, 1, 1, 1, 1, 1, 1};
            auto results = weir::map(items, 3, wait, weir::order::as_completed);
            BOOST_TEST((co_await all_of(results)).size() == 9U);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 4s));
    });
}

BOOST_AUTO_TEST_CASE(an_item_is_pulled_only_when_it_fits_beside_untaken_results)
{
    for (const weir::order o : {weir::order::kept, weir::order::as_completed})
        in_many_orders([o](simulation& s) {
            int pulled = 0;
            const auto pull = [&pulled](int n) {
                ++pulled;
                return n;
            };
            auto endless = weir::test::numbers(pull);
            s.spawn([&]() -> asio::awaitable<void> {
                const auto work = [&](int n) -> asio::awaitable<int> {
                    co_await sleep_for(n == 0 ? 1h : 1s); // the first is a straggler
                    co_return n;
                };
                auto results = weir::map(endless, 4, work, o);
                BOOST_TEST(pulled == 0);
                for (int taken = 1; taken <= 6; ++taken) {
                    const auto result = co_await results.next();
                    BOOST_REQUIRE(result.has_value());
                    if (o == weir::order::kept)
                        BOOST_TEST(*result == taken - 1);
                    BOOST_TEST(pulled <= taken + 4);
                    co_await sleep_for(1min);
                    BOOST_TEST(pulled == taken + 4); // it runs ahead, as far as the window
                }
                co_await results.stop();
                BOOST_TEST(pulled == 10);
            });
            s.run();
        });
}

BOOST_AUTO_TEST_CASE(what_cannot_be_copied_nor_defaulted_goes_in_and_comes_out)
{
    struct only_moves {
        explicit only_moves(int n) : owned(std::make_unique<int>(n)) {}
        std::unique_ptr<int> owned;
    };
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            std::list<only_moves> items;
            for (int n = 0; n < 9; ++n)
                items.emplace_back(n);
            const auto pass_on = [](only_moves& item) -> asio::awaitable<only_moves> {
                co_await sleep_for(1s);
                co_return std::move(item);
            };
            auto results = weir::map(items, 3, pass_on);
            int next = 0;
            while (auto result = co_await results.next())
                BOOST_TEST(*result->owned == next++);
            BOOST_TEST(next == 9);
        });
        s.run();
    });
}

BOOST_AUTO_TEST_CASE(plain_callables_are_called_when_their_result_is_asked_for)
{
    simulation s(1);
    s.spawn([&]() -> asio::awaitable<void> {
        int calls = 0;
        const auto twice = [&](int n) {
            ++calls;
            return 2 * n;
        };
        auto results = weir::map(one_to(3), 8, twice);
        BOOST_TEST(calls == 0);
        BOOST_TEST((co_await results.next()).value() == 2);
        BOOST_TEST(calls == 1);
        const numbers rest = co_await all_of(results);
        BOOST_TEST((rest == numbers{4, 6}));

        const auto nothing = [](int) {};
        auto ends = weir::map(one_to(3), 8, nothing); // void: std::monostate
        BOOST_TEST((co_await ends.next()).has_value());

        const auto no_seven = [](int n) { return n == 7 ? throw std::runtime_error("seven") : n; };
        auto fails = weir::map(one_to(9), 8, no_seven);
        std::string error;
        int got = 0;
        try {
            while (co_await fails.next())
                ++got;
        } catch (const std::runtime_error& e) {
            error = e.what();
        }
        BOOST_TEST(error == "seven");
        BOOST_TEST(got == 6);
        BOOST_TEST(!(co_await fails.next()));
        BOOST_TEST(fails.counts()[0].failed == 1U);
    });
    s.run();
}

// As in futures-rs #2387: the consumer acquires from the semaphore that its own calls use.
BOOST_AUTO_TEST_CASE(a_consumer_may_acquire_from_the_semaphore_of_its_calls)
{
    in_many_orders([](simulation& s) {
        int taken = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            weir::semaphore few(co_await asio::this_coro::executor, weir::limit(1));
            const auto work = [&](int n) -> asio::awaitable<int> {
                const weir::permit held = co_await few.async_acquire(asio::use_awaitable);
                co_await sleep_for(1s);
                co_return n;
            };
            auto results = weir::map(one_to(6), 3, work);
            while (co_await results.next()) {
                const weir::permit mine = co_await few.async_acquire(asio::use_awaitable);
                co_await sleep_for(1s);
                ++taken;
            }
        });
        s.run();
        BOOST_TEST(taken == 6);
    });
}

BOOST_AUTO_TEST_CASE(results_that_are_always_ready_leave_others_their_turn)
{
    for (const bool suspends : {false, true}) {
        asio::io_context io;
        int got = 0, turns = 0;
        std::function<void()> tick = [&] {
            ++turns;
            if (got < 2000)
                asio::post(io, tick);
        };
        const auto whole = [&]() -> asio::awaitable<void> {
            const auto count = [&](int) { ++got; };
            const auto plain = [](int n) { return n; };
            const auto trivial = [](int n) -> asio::awaitable<int> { co_return n; };
            if (suspends)
                co_await weir::map(one_to(2000), 1'000'000, trivial).for_each(count);
            else
                co_await weir::map(one_to(2000), 1, plain).for_each(count);
        };
        asio::co_spawn(io, whole, [](std::exception_ptr) {});
        asio::post(io, tick);
        io.run();
        BOOST_TEST(got == 2000);
        BOOST_TEST(turns >= 2000 / 128 / 3); // a worker, its helper and the sink, each in turn
    }
}

BOOST_AUTO_TEST_CASE(a_window_of_zero_is_refused)
{
    const auto plain = [](int n) { return n; };
    const auto suspends = [](int n) -> asio::awaitable<int> { co_return n; };
    BOOST_CHECK_THROW((void)weir::map(one_to(3), 0, plain), std::invalid_argument);
    BOOST_CHECK_THROW((void)weir::map(one_to(3), 0, suspends), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(results_keep_their_places_whatever_the_size_of_the_window)
{
    for (std::size_t window = 1; window <= 9; ++window)
        in_many_orders(
            [window](simulation& s) {
                s.spawn([&]() -> asio::awaitable<void> {
                    const auto work = [](int n) -> asio::awaitable<int> {
                        co_await sleep_for(n % 9 == 1 ? 1h : 1s); // the others wait for it
                        co_return n;
                    };
                    auto results = weir::map(one_to(20), window, work);
                    const numbers got = co_await all_of(results);
                    BOOST_TEST(got == one_to(20), boost::test_tools::per_element());
                });
                s.run();
            },
            20);
}

BOOST_AUTO_TEST_SUITE_END()
