#include <weir/run/blocking_lane.hpp>

#include "lane_by_hand.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace weir::test;
using weir::errc;

BOOST_AUTO_TEST_SUITE(blocking_lane)

// ---- what a callable gives

BOOST_AUTO_TEST_CASE(the_caller_gets_what_a_callable_returns_or_throws)
{
    in_many_orders([](simulation& s) {
        weir::blocking_lane lane(s.b.get_executor(), 2);
        bool called = false;
        std::string error;
        s.spawn([&]() -> asio::awaitable<void> {
            const int sum = co_await lane.async_run([&s] {
                BOOST_TEST(s.world.running() == &s.b);
                return 3 + 4;
            });
            BOOST_TEST(sum == 7);
            BOOST_TEST(s.world.running() == &s.a);
            co_await lane.async_run([&called] { called = true; });
            BOOST_TEST(called);
            try {
                co_await lane.async_run([]() -> int { throw std::runtime_error("no disk"); });
            } catch (const std::runtime_error& e) {
                error = e.what();
            }
            BOOST_TEST(s.world.running() == &s.a);
        });
        s.run();
        BOOST_TEST(error == "no disk");
        BOOST_TEST(lane.running() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(callables_and_results_may_be_move_only)
{
    in_many_orders([](simulation& s) {
        weir::blocking_lane lane(s.b.get_executor(), 1);
        std::unique_ptr<int> result;
        s.spawn([&]() -> asio::awaitable<void> {
            auto one = [number = std::make_unique<int>(7)]() mutable { return std::move(number); };
            auto running = lane.async_run(std::move(one), asio::use_awaitable);
            result = co_await std::move(running);
        });
        s.run();
        BOOST_REQUIRE(result);
        BOOST_TEST(*result == 7);
    });
}

/// Says in which context it was destroyed.
struct witness {
    witness(simulation& s, std::vector<const weir::sim::context*>& to) : in(&s), places(&to) {}
    witness(witness&& other) noexcept : in(std::exchange(other.in, nullptr)), places(other.places)
    {
    }
    witness& operator=(witness&&) = delete;
    ~witness()
    {
        if (in != nullptr)
            places->push_back(in->world.running());
    }
    void operator()() const {}

    simulation* in;
    std::vector<const weir::sim::context*>* places;
};

BOOST_AUTO_TEST_CASE(a_callable_is_destroyed_where_it_ran_or_where_its_awaiter_goes_on)
{
    in_many_orders([](simulation& s) {
        weir::blocking_lane lane(s.b.get_executor(), 1, 1);
        std::vector<const weir::sim::context*> places;
        bool ended = false;
        s.spawn([&]() -> asio::awaitable<void> {
            auto running = lane.async_run(witness(s, places), asio::use_awaitable);
            co_await std::move(running);
            BOOST_TEST((places == std::vector<const weir::sim::context*>{&s.b}));
            lane.close();
            auto refused = lane.async_run(witness(s, places), asio::as_tuple(asio::use_awaitable));
            const auto result = co_await std::move(refused);
            BOOST_CHECK(code_of(std::get<0>(result)) == errc::closed);
            BOOST_TEST((places == std::vector<const weir::sim::context*>{&s.b, &s.a}));
            ended = true;
        });
        s.run();
        BOOST_TEST(ended);
    });
}

// ---- as every waiting operation

BOOST_AUTO_TEST_CASE(it_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start, [](by_hand& b) { b.poll(); });
}

BOOST_AUTO_TEST_CASE(it_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start, [](by_hand& b) { b.poll(); });
}

BOOST_AUTO_TEST_CASE(one_cancelled_before_it_began_is_aborted)
{
    weir::test::ends_when_cancelled(start, [](std::exception_ptr error, int) {
        BOOST_CHECK(code_of(error) == asio::error::operation_aborted);
    });
}

BOOST_AUTO_TEST_CASE(one_cancelled_before_it_began_never_runs_and_the_next_does)
{
    simulation s(1);
    by_hand b;
    std::vector<int> ran;
    int ended = 0;
    asio::cancellation_signal signal;
    for (int i = 0; i < 3; ++i) {
        const auto on_end = [&ended](std::exception_ptr) { ++ended; };
        b.lane->async_run(
            [&ran, i] { ran.push_back(i); },
            asio::bind_executor(s.a.get_executor(),
                                asio::bind_cancellation_slot(
                                    i == 0 ? signal.slot() : asio::cancellation_slot(), on_end)));
    }
    signal.emit(asio::cancellation_type::terminal);
    BOOST_TEST(b.lane->queued() == 2U);
    b.poll();
    s.run();
    BOOST_TEST((ran == std::vector<int>{1, 2}));
    BOOST_TEST(ended == 3);
}

BOOST_AUTO_TEST_CASE(one_cancelled_after_it_began_is_waited_for)
{
    simulation s(1);
    by_hand b;
    asio::cancellation_signal signal;
    std::vector<int> results;
    const auto on_end = [&](std::exception_ptr error, int result) {
        BOOST_TEST(!error);
        results.push_back(result);
    };
    b.lane->async_run(
        [&] {
            signal.emit(asio::cancellation_type::terminal);
            BOOST_TEST(b.lane->running() == 1U);
            return 7;
        },
        asio::bind_executor(s.a.get_executor(),
                            asio::bind_cancellation_slot(signal.slot(), on_end)));
    b.poll();
    s.run();
    BOOST_TEST((results == std::vector<int>{7}));
}

// ---- the bounds

BOOST_AUTO_TEST_CASE(no_more_than_its_limit_run_at_a_time_and_first_come_is_first_served)
{
    simulation s(1);
    by_hand b(weir::limit(2));
    std::vector<int> begun;
    int inside = 0, most = 0, ended = 0;
    for (int i = 0; i < 6; ++i)
        b.lane->async_run(
            [&, i] {
                begun.push_back(i);
                most = std::max(most, ++inside);
                b.io->poll(); // as another thread of the lane would
                --inside;
            },
            asio::bind_executor(s.a.get_executor(), [&](std::exception_ptr) { ++ended; }));
    b.poll();
    s.run();
    BOOST_TEST(most == 2);
    BOOST_TEST((begun == std::vector<int>{0, 1, 2, 3, 4, 5}));
    BOOST_TEST(ended == 6);
}

BOOST_AUTO_TEST_CASE(a_lane_whose_queue_is_full_reports_full_until_there_is_room)
{
    simulation s(1);
    by_hand b(weir::limit(1), 1);
    std::vector<weir::error_code> ended;
    int ran = 0;
    const auto submit = [&] {
        b.lane->async_run([&ran] { ++ran; },
                          asio::bind_executor(s.a.get_executor(), [&](std::exception_ptr error) {
                              ended.push_back(code_of(error));
                          }));
    };
    submit();
    submit();
    submit();
    BOOST_TEST(ended.empty()); // not inside the call
    s.world.run();
    BOOST_REQUIRE(ended.size() == 1U);
    BOOST_CHECK(ended[0] == errc::full);
    b.poll();
    submit(); // there is room again
    b.poll();
    s.run();
    BOOST_TEST(ran == 3);
    BOOST_TEST(ended.size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_lane_without_a_queue_reports_full_while_busy)
{
    simulation s(1);
    by_hand b(weir::limit(1), 0);
    int full = 0, ran = 0;
    const auto submit = [&] {
        b.lane->async_run([&ran] { ++ran; },
                          asio::bind_executor(s.a.get_executor(), [&](std::exception_ptr error) {
                              full += code_of(error) == errc::full;
                          }));
    };
    submit();
    submit();
    b.poll();
    submit();
    b.poll();
    s.run();
    BOOST_TEST(full == 1);
    BOOST_TEST(ran == 2);
}

BOOST_AUTO_TEST_CASE(a_lane_that_would_never_run_anything_is_refused)
{
    asio::io_context io(1);
    BOOST_CHECK_THROW(weir::blocking_lane(0), std::invalid_argument);
    BOOST_CHECK_THROW(weir::blocking_lane(io.get_executor(), weir::paused), std::invalid_argument);
}

// A result whose default value cannot be had when it is needed: with an error too.
struct throws_by_default {
    static inline int left = 0; // how many can be made

    throws_by_default()
    {
        if (left-- <= 0)
            throw std::runtime_error("no default");
    }
    explicit throws_by_default(int v) noexcept : value(v) {}

    int value = 0;
};

BOOST_AUTO_TEST_CASE(a_default_value_that_throws_leaves_no_caller_behind)
{
    in_many_orders([](simulation& s) {
        weir::blocking_lane lane(s.b.get_executor(), 2);
        std::string told;
        s.spawn([&]() -> asio::awaitable<void> {
            const auto note = [&](std::exception_ptr e) {
                try {
                    std::rethrow_exception(e);
                } catch (const std::runtime_error& error) {
                    told += error.what() + std::string(" ");
                }
            };
            throws_by_default::left = 1;
            try {
                co_await lane.async_run(
                    []() -> throws_by_default { throw std::runtime_error("no disk"); });
            } catch (...) {
                note(std::current_exception());
            }
            throws_by_default::left = 0;
            try {
                co_await lane.async_run([] { return throws_by_default(7); });
            } catch (...) {
                note(std::current_exception());
            }
            throws_by_default::left = 1;
            const auto found = co_await lane.async_run([] { return throws_by_default(7); });
            BOOST_TEST(found.value == 7);
            lane.close();
            try {
                throws_by_default::left = 1;
                co_await lane.async_run([] { return throws_by_default(7); });
            } catch (const weir::system_error& e) {
                told += e.code() == errc::closed ? "closed" : e.what();
            }
        });
        s.run();
        BOOST_TEST(told == "no disk no default closed");
    });
}

BOOST_AUTO_TEST_SUITE_END()
