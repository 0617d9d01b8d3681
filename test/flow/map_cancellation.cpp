#include <weir/flow/map.hpp>

#include <weir/time/alarm.hpp>

#include "flow/streams.hpp"
#include "support/numbers.hpp"
#include "support/repeats.hpp"
#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::one_to;
using weir::test::repeats;
using weir::test::simulation;
using weir::test::sleep_for;
using numbers = std::vector<int>;

BOOST_AUTO_TEST_SUITE(map)

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

/// Random sleeps, failures, cancellations and pauses: results keep the contract, the bounds hold,
/// every item is accounted for, and nothing is alive afterwards.
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
    BOOST_TEST(counts.in_flight() == 0U);
    BOOST_TEST(counts.entered == counts.delivered + counts.failed + counts.dropped);
}

BOOST_AUTO_TEST_CASE(random_sleeps_failures_and_cancels_keep_the_contract)
{
    for (std::uint64_t seed = 1; seed <= repeats(3000U); ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            simulation s(seed);
            std::mt19937_64 random(seed);
            one_random_run(s, random);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
