#include <weir/run/blocking_lane.hpp>

#include <weir/run/cancel.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
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
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
using weir::errc;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(blocking_lane)

weir::error_code code_of(const std::exception_ptr& error)
{
    try {
        if (error)
            std::rethrow_exception(error);
    } catch (const weir::system_error& e) {
        return e.code();
    }
    return {};
}

/// A lane over a context that runs when the test says so.
struct by_hand {
    explicit by_hand(weir::limit most = 1,
                     std::size_t most_waiting = weir::blocking_lane::unbounded)
        : io(std::make_unique<asio::io_context>(1)),
          lane(std::make_unique<weir::blocking_lane>(io->get_executor(), most, most_waiting))
    {
    }

    template <class Handler>
    void begin(Handler handler)
    {
        const auto where = asio::get_associated_executor(handler, home);
        lane->async_run([] { return 7; }, asio::bind_executor(where, std::move(handler)));
    }

    void poll()
    {
        io->restart();
        io->poll();
    }

    asio::any_io_executor home; // of a handler that has no executor of its own
    std::unique_ptr<asio::io_context> io;
    std::unique_ptr<weir::blocking_lane> lane;
};

const auto start = [](asio::any_io_executor executor) {
    by_hand b;
    b.home = std::move(executor);
    return b;
};

// ---- what a callable gives

BOOST_AUTO_TEST_CASE(what_a_callable_returns_or_throws_reaches_who_awaits_it)
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

BOOST_AUTO_TEST_CASE(one_for_whom_there_is_no_room_to_wait_is_told_full)
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

BOOST_AUTO_TEST_CASE(without_room_to_wait_whoever_finds_it_busy_is_told_full)
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
        s.world.run(); // who waits goes on though this one still runs
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

BOOST_AUTO_TEST_CASE(closing_it_refuses_who_waits_and_lets_end_what_has_begun)
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
    weir::test::any_order_of_destruction_is_clean(start);
    // Over the awaiters' own context: some have run, and their completions are queued.
    weir::test::any_order_of_destruction_is_clean([](asio::any_io_executor executor) {
        by_hand b;
        b.lane = std::make_unique<weir::blocking_lane>(executor, weir::limit(1));
        return b;
    });
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
    closed = false; // and when nothing runs, it has to wait for nobody
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

BOOST_AUTO_TEST_CASE(who_closes_a_lane_that_is_gone_still_waits_for_what_has_begun)
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
