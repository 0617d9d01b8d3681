#include <weir/run/blocking_lane.hpp>

#include <weir/run/cancel.hpp>

#include "lane_by_hand.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

namespace asio = boost::asio;
using namespace weir::test;
using weir::errc;

BOOST_AUTO_TEST_SUITE(blocking_lane)

// ---- its end

/// One callable runs, and ends the lane by `end`; two wait, and a fourth comes later.
template <class End>
void who_waits_is_told_closed(End end)
{
    simulation s(1);
    by_hand b;
    std::vector<weir::error_code> ended;
    int ran = 0;
    const auto submit = [&](weir::blocking_lane& lane, auto function) {
        lane.async_run(std::move(function),
                       asio::bind_executor(s.a.get_executor(), [&](std::exception_ptr error) {
                           ended.push_back(code_of(error));
                       }));
    };
    submit(*b.lane, [&] {
        ++ran;
        end(b);
        s.world.run(); // the waiters go on while this one still runs
        BOOST_REQUIRE(ended.size() == 2U);
        BOOST_CHECK(ended[0] == errc::closed);
        BOOST_CHECK(ended[1] == errc::closed);
        if (b.lane)
            submit(*b.lane, [&] { ++ran; });
        s.world.run();
    });
    for (int i = 0; i < 2; ++i)
        submit(*b.lane, [&] { ++ran; });
    b.poll();
    s.run();
    BOOST_TEST(ran == 1);
    BOOST_TEST(ended.size() == (b.lane ? 4U : 3U));
    BOOST_CHECK(!ended.back());
}

BOOST_AUTO_TEST_CASE(close_refuses_waiters_and_lets_running_callables_finish)
{
    who_waits_is_told_closed([](by_hand& b) { b.lane->close(); });
}

BOOST_AUTO_TEST_CASE(destroying_it_is_closing_it)
{
    who_waits_is_told_closed([](by_hand& b) { b.lane.reset(); });
}

BOOST_AUTO_TEST_CASE(a_lane_whose_context_is_gone_is_closed)
{
    in_many_orders([](simulation& s) {
        auto c = std::make_unique<weir::sim::context>(s.world);
        weir::blocking_lane lane(c->get_executor(), 1);
        int ran = 0, refused = 0;
        const auto run = [&]() -> asio::awaitable<void> {
            auto running = lane.async_run([&ran] { ++ran; }, asio::as_tuple(asio::use_awaitable));
            const auto result = co_await std::move(running);
            refused += code_of(std::get<0>(result)) == errc::closed;
        };
        for (int i = 0; i < 3; ++i)
            s.spawn(run);
        s.world.at_some_step([&] { c.reset(); });
        s.run();
        BOOST_TEST(ran + refused == 3);
        BOOST_TEST(lane.is_closed());
        s.spawn(run); // and it is not looked for where it was
        s.run();
        BOOST_TEST(ran + refused == 4);
    });
}

BOOST_AUTO_TEST_CASE(a_lane_keeps_no_executor_of_a_context_that_is_gone)
{
    by_hand b;
    BOOST_TEST(bool(b.lane->get_executor()));
    b.io.reset();
    BOOST_TEST(!b.lane->get_executor());
}

BOOST_AUTO_TEST_CASE(one_whose_context_is_destroyed_before_it_began_never_runs)
{
    weir::sim::world w(1);
    by_hand b;
    auto held = std::make_shared<int>(0);
    int ran = 0;
    weir::sim::context stays(w);
    {
        weir::sim::context goes(w);
        b.lane->async_run([&ran] { ran += 10; },
                          asio::bind_executor(goes.get_executor(), [held](std::exception_ptr) {}));
        b.lane->async_run([&ran] { ++ran; },
                          asio::bind_executor(stays.get_executor(), [held](std::exception_ptr) {}));
    }
    BOOST_TEST(held.use_count() == 2);
    b.poll();
    w.run();
    BOOST_TEST(ran == 1);
    BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    using weir::test::own_strand;
    weir::test::any_order_of_destruction_is_clean(start, own_strand::must_not_be);
    // Over the awaiters' own context: some have run, and their completions are queued.
    const auto over_that_of_the_awaiters = [](asio::any_io_executor executor) {
        by_hand b;
        b.lane = std::make_unique<weir::blocking_lane>(executor, weir::limit(1));
        return b;
    };
    weir::test::any_order_of_destruction_is_clean(over_that_of_the_awaiters,
                                                  own_strand::must_not_be);
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_in_the_middle_is_clean)
{
    int order[] = {0, 1, 2};
    do {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            auto held = std::make_shared<int>(0);
            {
                weir::sim::world w(seed);
                auto own = std::make_unique<weir::sim::context>(w);
                auto other = std::make_unique<weir::sim::context>(w);
                auto lane =
                    std::make_unique<weir::blocking_lane>(own->get_executor(), weir::limit(2));
                const auto handler = [held](std::exception_ptr) {};
                for (auto* c : {own.get(), other.get()})
                    for (int i = 0; i < 3; ++i)
                        lane->async_run([held] {}, asio::bind_executor(c->get_executor(), handler));
                for (std::uint64_t step = 0; step < seed % 8; ++step)
                    w.run_one();
                for (const int next : order) {
                    if (next == 0)
                        own.reset();
                    else if (next == 1)
                        other.reset();
                    else
                        lane.reset();
                }
            }
            BOOST_TEST(held.use_count() == 1);
        }
    } while (std::next_permutation(std::begin(order), std::end(order)));
}

// ---- async_close

BOOST_AUTO_TEST_CASE(closing_waits_for_what_has_begun)
{
    simulation s(1);
    by_hand b;
    bool closed = false;
    b.lane->async_run(
        [&] {
            b.lane->async_close(
                asio::bind_executor(s.a.get_executor(), [&](weir::error_code error) {
                    BOOST_TEST(!error);
                    closed = true;
                }));
            s.world.run();
            BOOST_TEST(!closed);
            BOOST_TEST(b.lane->is_closed());
        },
        asio::bind_executor(s.a.get_executor(),
                            [](std::exception_ptr error) { BOOST_TEST(!error); }));
    b.poll();
    s.run();
    BOOST_TEST(closed);
    closed = false; // and at once when nothing runs
    b.lane->async_close(
        asio::bind_executor(s.a.get_executor(), [&](weir::error_code) { closed = true; }));
    s.run();
    BOOST_TEST(closed);
}

BOOST_AUTO_TEST_CASE(a_cancelled_close_is_aborted_and_the_lane_stays_closed)
{
    simulation s(1);
    by_hand b;
    asio::cancellation_signal signal;
    int calls = 0;
    b.lane->async_run(
        [&] {
            const auto on_end = [&](weir::error_code error) {
                ++calls;
                BOOST_CHECK(error == asio::error::operation_aborted);
            };
            b.lane->async_close(asio::bind_executor(
                s.a.get_executor(), asio::bind_cancellation_slot(signal.slot(), on_end)));
            signal.emit(asio::cancellation_type::terminal);
            s.world.run();
            BOOST_TEST(calls == 1);
            BOOST_TEST(b.lane->is_closed());
        },
        asio::bind_executor(s.a.get_executor(), [](std::exception_ptr) {}));
    b.poll();
    s.run();
    BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(async_close_outlives_its_lane_and_waits_for_running_callables)
{
    simulation s(1);
    by_hand b;
    bool closed = false;
    b.lane->async_run(
        [&] {
            b.lane->async_close(
                asio::bind_executor(s.a.get_executor(), [&](weir::error_code) { closed = true; }));
            b.lane.reset();
            s.world.run();
            BOOST_TEST(!closed);
        },
        asio::bind_executor(s.a.get_executor(), [](std::exception_ptr) {}));
    b.poll();
    s.run();
    BOOST_TEST(closed);
}

BOOST_AUTO_TEST_CASE(a_close_whose_context_is_destroyed_is_dropped)
{
    auto held = std::make_shared<int>(0);
    weir::sim::world w(1);
    by_hand b;
    weir::sim::context stays(w);
    b.lane->async_run(
        [&] {
            weir::sim::context goes(w);
            b.lane->async_close(asio::bind_executor(goes.get_executor(), [held](auto) {}));
        },
        asio::bind_executor(stays.get_executor(), [](std::exception_ptr) {}));
    b.poll();
    BOOST_TEST(held.use_count() == 1);
    w.run();
}

// ---- nothing is lost

BOOST_AUTO_TEST_CASE(each_callable_ends_once_whatever_is_cancelled_and_closed)
{
    in_many_orders(
        [](simulation& s) {
            auto lane =
                std::make_unique<weir::blocking_lane>(s.b.get_executor(), weir::limit(2), 3);
            std::vector<int> ran(8), completed(8), refused(8);
            std::vector<weir::cancel_source> sources(8);
            const auto run = [&](std::size_t i) -> asio::awaitable<void> {
                weir::cancel_link link(sources[i].token(), s.a.get_executor());
                const auto quiet = asio::as_tuple(asio::use_awaitable);
                auto running = lane->async_run([&ran, i] { return ++ran[i]; },
                                               asio::bind_cancellation_slot(link.slot(), quiet));
                const auto result = co_await std::move(running);
                ++completed[i];
                refused[i] += bool(std::get<0>(result));
            };
            for (std::size_t i = 0; i < ran.size(); ++i)
                s.spawn([&run, i] { return run(i); });
            for (std::size_t i = 0; i < 4; ++i)
                s.world.at_some_step([&sources, i] { sources[2 * i].cancel(); });
            if (s.world.choose(2) == 1)
                s.world.at_some_step([&lane] { lane->close(); });
            s.run();
            for (std::size_t i = 0; i < ran.size(); ++i) {
                BOOST_TEST(completed[i] == 1);
                BOOST_TEST(ran[i] + refused[i] == 1);
            }
            BOOST_TEST(lane->queued() == 0U);
            BOOST_TEST(lane->running() == 0U);
        },
        1000);
}

BOOST_AUTO_TEST_SUITE_END()
