#include <weir/flow/map.hpp>

#include <weir/sync/semaphore.hpp>
#include <weir/time/wait.hpp>

#include "support/numbers.hpp"
#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(map)

using numbers = std::vector<int>;

numbers one_to(int n)
{
    numbers all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 1);
    return all;
}

asio::awaitable<void> sleep_for(weir::duration length)
{
    co_await weir::async_sleep_for(co_await asio::this_coro::executor, length, asio::use_awaitable);
}

/// Takes everything there is.
template <class Stream>
asio::awaitable<numbers> all_of(Stream& results)
{
    numbers got;
    while (auto result = co_await results.next())
        got.push_back(*result);
    co_return got;
}

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

// As completed, a long one holds nobody back: batches of three would take 12 s.
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

BOOST_AUTO_TEST_CASE(an_item_is_pulled_only_when_it_fits_beside_results_nobody_took)
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

BOOST_AUTO_TEST_CASE(in_order_an_error_comes_exactly_after_the_results_before_it)
{
    in_many_orders([](simulation& s) {
        int finished = 0, cut = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            // The third fails first; the first two take longer, and those behind it for ever.
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
            BOOST_TEST(results.counts()[0].under_way() == 0U);
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

BOOST_AUTO_TEST_CASE(outcomes_tell_every_error_and_stop_nothing)
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

BOOST_AUTO_TEST_CASE(cancelling_next_cancels_the_calls_and_waits_for_them)
{
    in_many_orders([](simulation& s) {
        int cut = 0, alive = 0;
        bool aborted = false, all_ended = false;
        asio::cancellation_signal signal;
        const auto whole = [&]() -> asio::awaitable<void> {
            const auto work = [&](int n) -> asio::awaitable<int> {
                ++alive;
                try {
                    co_await sleep_for(1h);
                } catch (const weir::system_error&) {
                    ++cut;
                }
                co_await asio::this_coro::reset_cancellation_state(); // a second to clean up
                co_await sleep_for(1s);
                --alive;
                co_return n;
            };
            auto results = weir::map(one_to(10), 3, work);
            try {
                co_await results.next();
            } catch (const weir::system_error& e) {
                aborted = e.code() == asio::error::operation_aborted;
                all_ended = alive == 0;
            }
            BOOST_TEST(results.counts()[0].dropped == 3U);
            BOOST_CHECK(results.counts()[0].reason == weir::cancel_reason::requested);
        };
        asio::co_spawn(s.a.get_executor(), whole,
                       asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
        const weir::alarm later(s.a.get_executor(), weir::time_point{} + 1s,
                                [&] { signal.emit(asio::cancellation_type::terminal); });
        s.run();
        BOOST_TEST(aborted);
        BOOST_TEST(all_ended);
        BOOST_TEST(cut == 3);
        BOOST_TEST((s.elapsed() == 2s));
    });
}

BOOST_AUTO_TEST_CASE(a_stream_destroyed_in_the_middle_cancels_the_calls)
{
    in_many_orders([](simulation& s) {
        int alive = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            struct count {
                explicit count(int& n) : of(n) { ++of; }
                ~count() { --of; }
                int& of;
            };
            const auto work = [&alive](int n) -> asio::awaitable<int> {
                const count here(alive);
                co_await sleep_for(n == 1 ? 1s : 1h);
                co_return n;
            };
            {
                auto results = weir::map(one_to(10), 3, work);
                BOOST_TEST((co_await results.next()).value() == 1);
                BOOST_TEST(alive >= 2);
            }
            co_await sleep_for(1s);
            BOOST_TEST(alive == 0);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 2s));
    });
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_in_the_middle_leaves_nothing_behind)
{
    auto alive = std::make_shared<int>();
    {
        asio::io_context io;
        const auto whole = [alive]() -> asio::awaitable<void> {
            const auto work = [alive](int n) -> asio::awaitable<std::shared_ptr<int>> {
                if (n % 3 == 0)
                    co_await sleep_for(1h);
                co_return alive;
            };
            auto results = weir::map(one_to(100), 8, work);
            while (co_await results.next()) {
            }
        };
        asio::co_spawn(io, whole, [alive](std::exception_ptr) {});
        io.poll();
        BOOST_TEST(alive.use_count() > 1);
    }
    BOOST_TEST(alive.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(for_each_ends_when_all_calls_have_whatever_the_sink_does)
{
    in_many_orders([](simulation& s) {
        int alive = 0, sunk = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&](int n) -> asio::awaitable<int> {
                ++alive;
                try {
                    co_await sleep_for(n <= 4 ? 1s : 1h);
                } catch (const weir::system_error&) {
                }
                --alive;
                co_return n;
            };
            const auto sink = [&](int n) -> asio::awaitable<void> {
                co_await sleep_for(1s);
                if (++sunk == 3)
                    throw std::runtime_error(std::to_string(n));
            };
            std::string error;
            try {
                co_await weir::map(one_to(100), 4, work).for_each(sink);
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
            BOOST_TEST(error == "3");
            BOOST_TEST(alive == 0);
        });
        s.run();
    });
}

// What futures-rs #2387 is about: the consumer acquires what its own calls acquire.
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

BOOST_AUTO_TEST_CASE(what_a_call_does_to_its_cancellation_stays_with_it)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [](int n) -> asio::awaitable<int> {
                BOOST_TEST((co_await asio::this_coro::throw_if_cancelled()));
                if (n == 3)
                    co_await sleep_for(1h);
                co_await asio::this_coro::throw_if_cancelled(false);
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_return n;
            };
            auto results = weir::map(one_to(3), 1, work);
            BOOST_TEST((co_await results.next()).value() == 1);
            BOOST_TEST((co_await results.next()).value() == 2);
            co_await sleep_for(1s);
            co_await results.stop(); // at once: the third can be cancelled
        });
        s.run();
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(a_window_of_zero_is_refused)
{
    const auto plain = [](int n) { return n; };
    const auto suspends = [](int n) -> asio::awaitable<int> { co_return n; };
    BOOST_CHECK_THROW((void)weir::map(one_to(3), 0, plain), std::invalid_argument);
    BOOST_CHECK_THROW((void)weir::map(one_to(3), 0, suspends), std::invalid_argument);
}

/// Random sleeps, failures, cancels and pauses: what was delivered keeps the contract, the bounds
/// hold, every item is accounted for, and nothing is alive afterwards.
void one_random_run(simulation& s, std::mt19937_64& random)
{
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const int items = pick(40);
    const int window = 1 + pick(8);
    const weir::order o = pick(2) == 0 ? weir::order::kept : weir::order::as_completed;
    const int fails = pick(3) == 0 ? pick(40) : -1;
    const bool cancels = pick(3) == 0;
    const int leaves = pick(4) == 0 ? pick(10) : 1000;
    int alive = 0, taken = 0, pulled = 0;
    std::vector<int> calls(40, 0);
    numbers got;
    bool failed = false, ended = false;
    weir::stage_counts counts;

    asio::cancellation_signal signal;
    const auto whole = [&]() -> asio::awaitable<void> {
        struct presence {
            explicit presence(int& n) : of(n) { ++of; }
            ~presence() { --of; }
            int& of;
        };
        const auto pull = [&](int n) {
            ++pulled;
            BOOST_TEST(pulled - taken <= window);
            return n;
        };
        auto range = weir::test::numbers(pull, items);
        const auto work = [&](int n) -> asio::awaitable<int> {
            const presence here(alive);
            BOOST_TEST(alive <= window);
            ++calls[static_cast<std::size_t>(n)];
            if (const int length = pick(4))
                co_await sleep_for(length * 1s);
            if (n == fails)
                throw std::runtime_error("fails");
            co_return n;
        };
        auto results = weir::map(range, static_cast<std::size_t>(window), work, o);
        try {
            while (taken < leaves) {
                const auto result = co_await results.next();
                if (!result) {
                    ended = true;
                    break;
                }
                ++taken;
                got.push_back(*result);
                if (const int length = pick(3))
                    co_await sleep_for(length * 1s);
            }
        } catch (const std::exception&) {
            failed = true;
        }
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await results.stop();
        BOOST_TEST(alive == 0);
        counts = results.counts()[0];
    };
    asio::co_spawn(s.a.get_executor(), whole,
                   asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr error) {
                       if (error)
                           std::rethrow_exception(error);
                   }));
    std::optional<weir::alarm> later;
    if (cancels)
        later.emplace(s.a.get_executor(), weir::time_point{} + pick(30) * 500ms,
                      [&] { signal.emit(asio::cancellation_type::terminal); });
    s.run();

    if (ended)
        BOOST_TEST(got.size() == static_cast<std::size_t>(items));
    if (ended && fails >= 0 && fails < items)
        BOOST_ERROR("an error was swallowed");
    if (failed && !cancels)
        BOOST_TEST((fails >= 0 && fails < items));
    if (failed && !cancels && o == weir::order::kept)
        BOOST_TEST(got.size() == static_cast<std::size_t>(fails)); // exactly those before it
    if (o == weir::order::kept)
        for (std::size_t i = 0; i < got.size(); ++i)
            BOOST_TEST(got[i] == static_cast<int>(i));
    std::sort(got.begin(), got.end());
    BOOST_TEST((std::adjacent_find(got.begin(), got.end()) == got.end()));
    for (const int n : calls)
        BOOST_TEST(n <= 1);
    BOOST_TEST(counts.entered == static_cast<std::uint64_t>(pulled));
    BOOST_TEST(counts.delivered == static_cast<std::uint64_t>(taken));
    BOOST_TEST(counts.under_way() == 0U);
    BOOST_TEST(counts.entered == counts.delivered + counts.failed + counts.dropped);
}

BOOST_AUTO_TEST_CASE(random_sleeps_failures_and_cancels_keep_the_contract)
{
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            simulation s(seed);
            std::mt19937_64 random(seed);
            one_random_run(s, random);
        }
    }
}

BOOST_AUTO_TEST_CASE(in_order_an_error_cancels_the_calls_behind_it_before_it_is_told)
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
