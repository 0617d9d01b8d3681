#include <weir/flow/for_each.hpp>

#include <weir/time/alarm.hpp>
#include <weir/time/sleep.hpp>

#include "flow/streams.hpp"
#include "support/simulation.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::one_to;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(for_each)

BOOST_AUTO_TEST_CASE(the_limit_is_kept_and_reached_and_every_item_comes_once)
{
    in_many_orders([](simulation& s) {
        std::vector<int> seen(31, 0);
        int now = 0, most = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto numbers = one_to(30);
            const auto work = [&](int n) -> asio::awaitable<void> {
                most = std::max(most, ++now);
                co_await weir::async_sleep_for(s.a.get_executor(), (n % 5) * 1s);
                --now;
                ++seen[static_cast<std::size_t>(n)];
            };
            co_await weir::for_each(numbers, 4, work);
            BOOST_TEST(now == 0);
        });
        s.run();
        BOOST_TEST(most == 4);
        for (std::size_t n = 1; n < seen.size(); ++n)
            BOOST_TEST(seen[n] == 1);
    });
}

// Batches of four would take 8 s, a window takes 5: the long call holds no other back.
BOOST_AUTO_TEST_CASE(it_is_a_window_and_no_batches)
{
    in_many_orders([](simulation& s) {
        s.spawn([&]() -> asio::awaitable<void> {
            const std::vector<weir::duration> lengths = {4s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s};
            const auto work = [&](weir::duration length) -> asio::awaitable<void> {
                co_await weir::async_sleep_for(s.a.get_executor(), length);
            };
            co_await weir::for_each(lengths, 3, work);
        });
        s.run();
        BOOST_TEST((s.elapsed() == 4s));
    });
}

// Each call starts in a step of its own: the stack does not grow with the limit, and others get
// their turn while the window fills.
BOOST_AUTO_TEST_CASE(a_wide_window_fills_by_turns_and_not_on_the_stack)
{
    simulation s(1);
    std::size_t step = 0;
    int in_this_step = 0, most_in_a_step = 0, calls = 0;
    s.spawn([&]() -> asio::awaitable<void> {
        const auto work = [&](int) -> asio::awaitable<void> {
            if (std::exchange(step, s.world.steps()) != s.world.steps())
                in_this_step = 0;
            ++in_this_step;
            most_in_a_step = std::max(most_in_a_step, in_this_step);
            ++calls;
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
        };
        co_await weir::for_each(one_to(2'000), 2'000, work);
    });
    s.run();
    BOOST_TEST(calls == 2'000);
    BOOST_TEST(most_in_a_step <= 2); // the first call is started by the caller's own step
    BOOST_TEST((s.elapsed() == 1s)); // all at once
}

BOOST_AUTO_TEST_CASE(no_more_are_started_than_there_are_items)
{
    simulation s(1);
    int calls = 0;
    s.spawn([&]() -> asio::awaitable<void> {
        const std::vector<int> none;
        const auto count = [&](int) { ++calls; };
        co_await weir::for_each(none, 1000, count);
        co_await weir::for_each(one_to(3), 1000, count); // an rvalue is kept
    });
    s.run();
    BOOST_TEST(calls == 3);
}

BOOST_AUTO_TEST_CASE(an_input_range_is_pulled_one_item_at_a_time)
{
    struct lines {
        std::istringstream& in;
        auto begin() { return std::istream_iterator<std::string>(in); }
        auto end() { return std::istream_iterator<std::string>(); }
    };
    in_many_orders([](simulation& s) {
        std::istringstream text("a b c d e");
        std::string got;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&](std::string word) -> asio::awaitable<void> {
                co_await weir::async_sleep_for(s.a.get_executor(), 1s);
                got += word;
            };
            lines words{text};
            co_await weir::for_each(words, 2, work);
        });
        s.run();
        std::sort(got.begin(), got.end());
        BOOST_TEST(got == "abcde");
    });
}

BOOST_AUTO_TEST_CASE(the_first_error_cancels_the_others_and_stops_the_pulling)
{
    in_many_orders([](simulation& s) {
        int started = 0, finished = 0;
        std::string error;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto work = [&](int n) -> asio::awaitable<void> {
                ++started;
                co_await weir::async_sleep_for(s.a.get_executor(), n == 2 ? 1s : 1h);
                if (n == 2)
                    throw std::runtime_error("two");
                ++finished;
            };
            try {
                co_await weir::for_each(one_to(100), 4, work);
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
        });
        s.run();
        BOOST_TEST(error == "two");
        BOOST_TEST(started == 4);
        BOOST_TEST(finished == 0);
        BOOST_TEST((s.elapsed() == 1s));
    });
}

BOOST_AUTO_TEST_CASE(cancelling_it_reaches_the_calls_under_way)
{
    in_many_orders([](simulation& s) {
        int cut = 0;
        bool over = false;
        asio::cancellation_signal signal;
        const auto whole = [&]() -> asio::awaitable<void> {
            const auto work = [&](int) -> asio::awaitable<void> {
                try {
                    co_await weir::async_sleep_for(s.a.get_executor(), 1h);
                } catch (const weir::system_error& e) {
                    cut += e.code() == asio::error::operation_aborted ? 1 : 0;
                    throw;
                }
            };
            co_await weir::for_each(one_to(10), 3, work);
        };
        asio::co_spawn(s.a.get_executor(), whole,
                       asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr error) {
                           over = error != nullptr;
                       }));
        const weir::alarm later(s.a.get_executor(), weir::time_point{} + 1s,
                                [&] { signal.emit(asio::cancellation_type::terminal); });
        s.run();
        BOOST_TEST(over);
        BOOST_TEST(cut == 3);
    });
}

BOOST_AUTO_TEST_CASE(cancelled_just_as_a_call_succeeds_it_does_not_return_as_if_all_were_done)
{
    int succeeded = 0;
    in_many_orders([&](simulation& s) {
        int calls = 0;
        std::exception_ptr ended_with;
        asio::cancellation_signal signal;
        const auto whole = [&]() -> asio::awaitable<void> {
            const auto work = [&](int) -> asio::awaitable<void> {
                co_await weir::async_sleep_for(s.a.get_executor(), 1s);
                ++calls;
            };
            co_await weir::for_each(one_to(3), 1, work);
        };
        asio::co_spawn(s.a.get_executor(), whole,
                       asio::bind_cancellation_slot(
                           signal.slot(), [&](std::exception_ptr error) { ended_with = error; }));
        const weir::alarm later(s.a.get_executor(), weir::time_point{} + 1s,
                                [&] { signal.emit(asio::cancellation_type::terminal); });
        s.run();
        BOOST_TEST(calls < 3);
        BOOST_TEST((ended_with != nullptr));
        succeeded += calls;
    });
    BOOST_TEST(succeeded > 0); // the moment it is about was met
}

/// Numbers that are made one by one, each by a `++`.
struct makes_numbers {
    struct iterator {
        int operator*() const { return at; }
        iterator& operator++()
        {
            ++at;
            ++*made;
            return *this;
        }
        bool operator==(int end) const { return at == end; }

        int* made;
        int at;
    };
    iterator begin() const { return {made, 0}; }
    int end() const { return 9; }

    int* made;
};

BOOST_AUTO_TEST_CASE(no_item_is_made_before_there_is_room_for_it)
{
    in_many_orders([](simulation& s) {
        int made = 0, started = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            const makes_numbers items{&made};
            const auto work = [&](int n) -> asio::awaitable<void> {
                ++started;
                BOOST_TEST(made == n); // the next one is not made yet
                co_await weir::async_sleep_for(s.a.get_executor(), 1s);
                BOOST_TEST(made == n);
            };
            co_await weir::for_each(items, 1, work);
        });
        s.run();
        BOOST_TEST(started == 9);
    });
}

BOOST_AUTO_TEST_CASE(calls_that_never_suspend_leave_others_their_turn)
{
    asio::io_context io;
    int calls = 0, turns = 0;
    std::function<void()> tick = [&] {
        ++turns;
        if (calls < 1000)
            asio::post(io, tick);
    };
    const auto whole = [&]() -> asio::awaitable<void> {
        const auto count = [&](int) { ++calls; };
        co_await weir::for_each(one_to(1000), 1, count);
    };
    asio::co_spawn(io, whole, [](std::exception_ptr) {});
    asio::post(io, tick);
    io.run();
    BOOST_TEST(calls == 1000);
    BOOST_TEST(turns >= 1000 / 128);
}

BOOST_AUTO_TEST_CASE(a_limit_of_zero_is_refused)
{
    const auto nothing = [](int) {};
    BOOST_CHECK_THROW((void)weir::for_each(one_to(3), 0, nothing), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
