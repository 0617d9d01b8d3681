#include <weir/policy/rate_limiter.hpp>

#include <weir/time/sleep.hpp>

#include "support/hand_clock.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::rate;
using weir::time_point;
using weir::test::hand_clock;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(rate_limiter)

// One whose token is gone, and comes back at no time.
struct taken {
    explicit taken(asio::any_io_executor executor)
        : limiter(std::make_unique<weir::rate_limiter>(executor, rate(1, weir::duration::max()), 1))
    {
        BOOST_TEST(limiter->try_acquire());
    }
    template <class Handler>
    void begin(Handler handler)
    {
        limiter->async_acquire(std::move(handler));
    }

    std::unique_ptr<weir::rate_limiter> limiter;
};

const auto start = [](asio::any_io_executor executor) { return taken(executor); };
const auto finish = [](taken& t) { t.limiter->change(rate::per_second(10), 1); };

BOOST_AUTO_TEST_CASE(a_grant_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start, finish);
}

BOOST_AUTO_TEST_CASE(an_acquire_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start, finish);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_is_aborted)
{
    weir::test::ends_when_cancelled(
        start, [](weir::error_code e) { BOOST_TEST(e == asio::error::operation_aborted); });
}

// With a timer that is set, too.
BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(start);
    weir::test::any_order_of_destruction_is_clean([](asio::any_io_executor executor) {
        taken t(executor);
        t.limiter->change(rate(1, 1h), 1);
        return t;
    });
}

BOOST_AUTO_TEST_CASE(tokens_are_had_at_once_while_they_last_and_then_at_the_rate)
{
    in_many_orders([](simulation& s) {
        weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(10), 3);
        std::vector<weir::duration> at;
        bool inside = true;
        for (int i = 0; i < 6; ++i)
            limiter.async_acquire([&](weir::error_code e) {
                BOOST_TEST(!e);
                BOOST_TEST(!inside);
                at.push_back(s.elapsed());
            });
        inside = false;
        BOOST_TEST(limiter.waiters() == 3U);
        s.run();
        BOOST_TEST((at == std::vector<weir::duration>{0ms, 0ms, 0ms, 100ms, 200ms, 300ms}));
        BOOST_TEST(limiter.available() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(a_steady_demand_gets_the_rate_within_one_per_cent)
{
    for (const std::size_t burst : {1, 7})
        for (const std::uint64_t each : {3, 1'000, 333'333}) {
            simulation s(1);
            weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(each), burst);
            const std::size_t many = 300 + burst;
            for (int client = 0; client < 3; ++client)
                s.spawn([&]() -> asio::awaitable<void> {
                    for (std::size_t i = 0; i < many / 3; ++i)
                        co_await limiter.async_acquire(asio::use_awaitable);
                });
            s.run();
            const double seconds = std::chrono::duration<double>(s.elapsed()).count();
            const double ideal = double(many / 3 * 3 - burst) / double(each);
            BOOST_TEST(seconds >= ideal);
            BOOST_TEST(seconds <= ideal * 1.01);
        }
}

BOOST_AUTO_TEST_CASE(first_come_first_served_by_weight)
{
    in_many_orders([](simulation& s) {
        weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(10), 4);
        BOOST_TEST(limiter.try_acquire(3));
        std::vector<std::pair<int, weir::duration>> order;
        // There is a token for the small one, but not past the large one.
        for (const auto& [number, weight] : {std::pair{1, 3U}, {2, 1U}, {3, 4U}})
            limiter.async_acquire(weight, [&, id = number](weir::error_code e) {
                BOOST_TEST(!e);
                order.emplace_back(id, s.elapsed());
            });
        BOOST_TEST(!limiter.try_acquire());
        s.run();
        BOOST_TEST((order == std::vector<std::pair<int, weir::duration>>{
                                 {1, 200ms}, {2, 300ms}, {3, 700ms}}));
    });
}

BOOST_AUTO_TEST_CASE(more_than_the_burst_is_an_error_and_nothing_is_none)
{
    simulation s(1);
    weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(10), 3);
    std::optional<weir::error_code> got;
    limiter.async_acquire(4, [&](weir::error_code e) { got = e; });
    BOOST_TEST(!got.has_value());
    s.run();
    BOOST_TEST((got == weir::errc::too_large));
    BOOST_TEST(!limiter.try_acquire(4));
    BOOST_TEST(limiter.available() == 3U);
    BOOST_CHECK_THROW((void)limiter.try_acquire(0), std::invalid_argument);
    BOOST_CHECK_THROW(limiter.async_acquire(0, [](weir::error_code) {}), std::invalid_argument);
    BOOST_CHECK_THROW(limiter.change(rate::per_second(1), 0), std::invalid_argument);
    BOOST_CHECK_THROW(weir::rate_limiter(s.a.get_executor(), rate::per_second(1), 0),
                      std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_cancelled_waiter_owes_nothing)
{
    in_many_orders([](simulation& s) {
        weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(10), 4);
        BOOST_TEST(limiter.try_acquire(4));
        asio::cancellation_signal signal;
        std::optional<weir::duration> second;
        limiter.async_acquire(4,
                              asio::bind_cancellation_slot(signal.slot(), [](weir::error_code e) {
                                  BOOST_TEST(e == asio::error::operation_aborted);
                              }));
        limiter.async_acquire([&](weir::error_code e) {
            BOOST_TEST(!e);
            second = s.elapsed();
        });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 250ms);
            signal.emit(asio::cancellation_type::total);
        });
        s.run();
        BOOST_REQUIRE(second.has_value());
        BOOST_TEST((*second == 250ms)); // the second was behind the first, and goes when that does
        BOOST_TEST(limiter.available() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(a_token_already_granted_is_taken_though_cancelled_afterwards)
{
    in_many_orders([](simulation& s) {
        weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(1), 1);
        asio::cancellation_signal signal;
        std::optional<weir::error_code> got;
        limiter.async_acquire(
            asio::bind_cancellation_slot(signal.slot(), [&](weir::error_code e) { got = e; }));
        signal.emit(asio::cancellation_type::terminal); // it is granted, and on its way
        s.run();
        BOOST_REQUIRE(got.has_value());
        BOOST_TEST(!*got);
        BOOST_TEST(limiter.available() == 0U);
    });
}

// What is bounded is grants: the exception to "no permit is lost".
BOOST_AUTO_TEST_CASE(a_token_whose_receiver_is_gone_is_spent)
{
    weir::sim::world w(1);
    auto a = std::make_unique<weir::sim::context>(w);
    weir::sim::context b(w);
    weir::rate_limiter limiter(b.get_executor(), rate::per_second(1), 1);
    std::optional<weir::duration> second;
    limiter.async_acquire(asio::bind_executor(a->get_executor(), [](weir::error_code) {}));
    limiter.async_acquire(asio::bind_executor(b.get_executor(), [&](weir::error_code e) {
        BOOST_TEST(!e);
        second = w.now() - w.began();
    }));
    a.reset();
    w.run();
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST((*second == 1s));
}

BOOST_AUTO_TEST_CASE(a_waiter_whose_context_is_destroyed_lets_those_behind_it_pass)
{
    weir::sim::world w(1);
    auto a = std::make_unique<weir::sim::context>(w);
    weir::sim::context b(w);
    weir::rate_limiter limiter(b.get_executor(), rate::per_second(1), 2);
    BOOST_TEST(limiter.try_acquire());
    std::optional<weir::duration> second;
    limiter.async_acquire(2, asio::bind_executor(a->get_executor(), [](weir::error_code) {}));
    limiter.async_acquire(asio::bind_executor(b.get_executor(), [&](weir::error_code e) {
        BOOST_TEST(!e);
        second = w.now() - w.began();
    }));
    a.reset();
    w.run();
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST((*second == 0s));
}

BOOST_AUTO_TEST_CASE(close_wakes_waiters_and_refuses_newcomers)
{
    in_many_orders([](simulation& s) {
        auto limiter =
            std::make_unique<weir::rate_limiter>(s.a.get_executor(), rate::per_second(1), 1);
        BOOST_TEST(limiter->try_acquire());
        int closed = 0;
        const auto count = [&](weir::error_code e) { closed += e == weir::errc::closed ? 1 : 0; };
        limiter->async_acquire(count);
        limiter->async_acquire(count);
        limiter->close();
        BOOST_TEST(limiter->is_closed());
        limiter->async_acquire(count);
        BOOST_TEST(!limiter->try_acquire());
        limiter.reset();
        s.run();
        BOOST_TEST(closed == 3);
        BOOST_TEST((s.elapsed() == 0s)); // no timer is left
    });
}

BOOST_AUTO_TEST_CASE(destroying_the_limiter_is_closing_it)
{
    in_many_orders([](simulation& s) {
        auto limiter =
            std::make_unique<weir::rate_limiter>(s.a.get_executor(), rate::per_second(1), 1);
        BOOST_TEST(limiter->try_acquire());
        std::optional<weir::error_code> got;
        limiter->async_acquire([&](weir::error_code e) { got = e; });
        limiter.reset();
        s.run();
        BOOST_REQUIRE(got.has_value());
        BOOST_TEST((*got == weir::errc::closed));
        BOOST_TEST((s.elapsed() == 0s));
    });
}

BOOST_AUTO_TEST_CASE(its_context_going_first_closes_it)
{
    weir::sim::world w(1);
    auto a = std::make_unique<weir::sim::context>(w);
    weir::sim::context b(w);
    weir::rate_limiter limiter(a->get_executor(), rate::per_second(1), 1);
    BOOST_TEST(limiter.try_acquire());
    std::optional<weir::error_code> waiting, late;
    limiter.async_acquire(
        asio::bind_executor(b.get_executor(), [&](weir::error_code e) { waiting = e; }));
    a.reset();
    BOOST_TEST(limiter.is_closed());
    BOOST_TEST(!limiter.try_acquire());
    BOOST_TEST(limiter.available() <= 1U); // of no clock, but no crash
    limiter.change(rate::per_second(5), 2);
    limiter.async_acquire(
        asio::bind_executor(b.get_executor(), [&](weir::error_code e) { late = e; }));
    w.run();
    BOOST_TEST((waiting == weir::errc::closed));
    BOOST_TEST((late == weir::errc::closed));
}

BOOST_AUTO_TEST_CASE(the_bare_executor_of_an_io_context_that_goes_first_closes_it_too)
{
    auto a = std::make_unique<asio::io_context>(1);
    asio::io_context b(1);
    weir::basic_rate_limiter<asio::io_context::executor_type> bare(a->get_executor(), rate(1, 1h),
                                                                   1);
    weir::rate_limiter erased(a->get_executor(), rate(1, 1h), 1);
    BOOST_TEST(bare.try_acquire());
    BOOST_TEST(erased.try_acquire());
    int closed = 0;
    const auto count = [&](weir::error_code e) { closed += e == weir::errc::closed ? 1 : 0; };
    bare.async_acquire(asio::bind_executor(b, count));
    erased.async_acquire(asio::bind_executor(b, count));
    a.reset();
    b.run();
    BOOST_TEST(closed == 2);
}

BOOST_AUTO_TEST_CASE(a_new_rate_reaches_those_that_wait)
{
    in_many_orders([](simulation& s) {
        weir::rate_limiter limiter(s.a.get_executor(), rate(1, 1h), 2);
        BOOST_TEST(limiter.try_acquire(2));
        std::vector<weir::duration> at;
        for (int i = 0; i < 2; ++i)
            limiter.async_acquire([&](weir::error_code e) {
                BOOST_TEST(!e);
                at.push_back(s.elapsed());
            });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1s);
            limiter.change(rate::per_second(10), 2);
            BOOST_TEST((limiter.rate() == rate::per_second(10)));
            co_await weir::async_sleep_for(s.a.get_executor(), 150ms);
            limiter.change(rate(1, 10s), 2); // half of the second token has come back
        });
        s.run();
        BOOST_REQUIRE(at.size() == 2U);
        BOOST_TEST((at[0] <= 1100ms && at[0] > 1099ms)); // 1 s of the first hour counts
        BOOST_TEST((at[1] <= 6150ms && at[1] > 6140ms));
    });
}

BOOST_AUTO_TEST_CASE(a_larger_burst_gives_the_difference_at_once)
{
    simulation s(1);
    weir::rate_limiter limiter(s.a.get_executor(), rate(1, 1h), 2);
    BOOST_TEST(limiter.try_acquire(2));
    int granted = 0;
    for (int i = 0; i < 3; ++i)
        limiter.async_acquire([&](weir::error_code e) { granted += e ? 0 : 1; });
    limiter.change(rate(1, 1h), 5);
    s.run();
    BOOST_TEST(granted == 3);
    BOOST_TEST((s.elapsed() == 0s));
    BOOST_TEST(limiter.burst() == 5U);
}

BOOST_AUTO_TEST_CASE(a_burst_below_a_waiters_weight_fails_it_with_too_large)
{
    in_many_orders([](simulation& s) {
        weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(1), 5);
        BOOST_TEST(limiter.try_acquire(5));
        std::optional<weir::error_code> large;
        std::optional<weir::duration> small;
        limiter.async_acquire(4, [&](weir::error_code e) { large = e; });
        limiter.async_acquire(3, [&](weir::error_code e) {
            BOOST_TEST(!e);
            small = s.elapsed();
        });
        limiter.change(rate::per_second(1), 3);
        s.run();
        BOOST_TEST((large == weir::errc::too_large));
        BOOST_REQUIRE(small.has_value());
        BOOST_TEST((*small == 5s)); // five are missing, of three
    });
}

BOOST_AUTO_TEST_CASE(an_acquire_waits_until_its_deadline_and_takes_nothing_then)
{
    in_many_orders([](simulation& s) {
        weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(1), 2);
        BOOST_TEST(limiter.try_acquire(2));
        std::optional<weir::duration> in_time, late, after;
        const time_point begin = s.world.now();
        limiter.async_acquire_until(begin + 2s, [&](weir::error_code e) {
            BOOST_TEST(!e);
            in_time = s.elapsed();
        });
        limiter.async_acquire_until(begin + 2s, 2, [&](weir::error_code e) {
            BOOST_TEST((e == weir::errc::timed_out));
            late = s.elapsed();
        });
        limiter.async_acquire([&](weir::error_code e) {
            BOOST_TEST(!e);
            after = s.elapsed();
        });
        s.run();
        BOOST_TEST((in_time == 1s));
        BOOST_TEST((late == 2s));
        BOOST_TEST((after == 2s)); // it fits when the one before it has left
    });
}

BOOST_AUTO_TEST_CASE(a_deadline_that_has_passed_ends_only_what_would_wait)
{
    simulation s(1);
    weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(1), 1);
    std::optional<weir::error_code> first, second;
    const time_point past = s.world.now() - 1s;
    limiter.async_acquire_until(past, [&](weir::error_code e) { first = e; });
    limiter.async_acquire_until(past, [&](weir::error_code e) { second = e; });
    s.run();
    BOOST_TEST((first == weir::error_code()));
    BOOST_TEST((second == weir::errc::timed_out));
}

BOOST_AUTO_TEST_CASE(a_caller_that_knows_the_time_may_say_it)
{
    simulation s(1);
    weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(1), 1);
    BOOST_TEST(limiter.try_acquire_at(s.world.now()));
    BOOST_TEST(!limiter.try_acquire_at(s.world.now()));
    BOOST_TEST(limiter.try_acquire_at(s.world.now() + 1s));
    BOOST_TEST(!limiter.try_acquire());
}

BOOST_AUTO_TEST_CASE(clocks_near_their_ends_are_as_good_as_others)
{
    for (const time_point begin : {time_point::min(), time_point::max() - 1h}) {
        simulation s(1, begin);
        weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(1), 1);
        std::vector<weir::duration> at;
        for (int i = 0; i < 3; ++i)
            limiter.async_acquire([&](weir::error_code e) {
                BOOST_TEST(!e);
                at.push_back(s.elapsed());
            });
        s.run();
        BOOST_TEST((at == std::vector<weir::duration>{0s, 1s, 2s}));
    }
    simulation s(1, time_point::max() - 1s); // the second token lies beyond the clock
    weir::rate_limiter limiter(s.a.get_executor(), rate(1, 1min), 1);
    int ended = 0;
    for (int i = 0; i < 2; ++i)
        limiter.async_acquire([&](weir::error_code e) { ended += e ? 10 : 1; });
    s.world.run();
    BOOST_TEST(ended == 1);
    limiter.close();
    s.run();
    BOOST_TEST(ended == 11);
}

BOOST_AUTO_TEST_CASE(timers_that_are_always_late_lose_nothing_of_the_rate)
{
    hand_clock clock;
    weir::rate_limiter limiter(clock.executor(), rate::per_second(1'000), 5);
    int granted = 0;
    for (int i = 0; i < 2'000; ++i)
        limiter.async_acquire([&](weir::error_code e) { granted += e ? 0 : 1; });
    const auto first = time_point{};
    for (int i = 0; i < 300; ++i) { // every 3.7 ms, whenever it was wanted
        clock.advance_to(first + i * 3700us);
        clock.context().restart();
        clock.context().poll();
    }
    BOOST_TEST(granted >= 1'106); // 299 * 3.7, and the burst
    BOOST_TEST(granted <= 1'111);
}

BOOST_AUTO_TEST_CASE(all_waiters_share_one_timer_which_goes_with_the_last)
{
    hand_clock clock;
    weir::rate_limiter limiter(clock.executor(), rate(1, 1h), 1);
    BOOST_TEST(limiter.try_acquire());
    std::vector<asio::cancellation_signal> signals(50);
    int aborted = 0;
    for (auto& each : signals)
        limiter.async_acquire(asio::bind_cancellation_slot(each.slot(), [&](weir::error_code e) {
            aborted += e == asio::error::operation_aborted ? 1 : 0;
        }));
    clock.context().poll();
    BOOST_TEST(clock.is_set());
    for (auto& each : signals)
        each.emit(asio::cancellation_type::total);
    clock.context().restart();
    clock.context().run(); // it returns
    BOOST_TEST(aborted == 50);
    BOOST_TEST(!clock.is_set());
}

BOOST_AUTO_TEST_CASE(waiters_whose_timer_cannot_be_set_end_with_the_error)
{
    const weir::error_code too_many_files(EMFILE, asio::error::get_system_category());
    hand_clock clock;
    weir::rate_limiter limiter(clock.executor(), rate::per_second(1), 1);
    BOOST_TEST(limiter.try_acquire());
    std::optional<weir::error_code> first, second, third;
    clock.fail_next(1);
    limiter.async_acquire([&](weir::error_code e) { first = e; });
    BOOST_TEST(!first.has_value());
    clock.context().poll();
    BOOST_TEST((first == too_many_files));
    // And one that is lost later.
    limiter.async_acquire([&](weir::error_code e) { second = e; });
    weir::async_sleep_for(clock.executor(), 500ms, [](weir::error_code) {});
    clock.fail_next(1);
    clock.advance_to(time_point{} + 500ms);
    clock.context().restart();
    clock.context().poll();
    BOOST_TEST((second == too_many_files));
    // It works again when the clock does.
    limiter.async_acquire([&](weir::error_code e) { third = e; });
    clock.advance_to(time_point{} + 1s);
    clock.context().restart();
    clock.context().poll();
    BOOST_TEST((third == weir::error_code()));
}

BOOST_AUTO_TEST_CASE(a_waiter_may_destroy_the_limiter_from_its_handler)
{
    in_many_orders([](simulation& s) {
        auto limiter =
            std::make_unique<weir::rate_limiter>(s.a.get_executor(), rate::per_second(1), 1);
        BOOST_TEST(limiter->try_acquire());
        int closed = 0;
        limiter->async_acquire([&](weir::error_code e) {
            BOOST_TEST(!e);
            limiter.reset();
        });
        limiter->async_acquire(
            [&](weir::error_code e) { closed += e == weir::errc::closed ? 1 : 0; });
        s.run();
        BOOST_TEST(closed == 1);
        BOOST_TEST((s.elapsed() == 1s));
    });
}

// The bound as a count, whatever the order and whoever leaves.
BOOST_AUTO_TEST_CASE(random_cancels_and_changes_keep_the_bound)
{
    in_many_orders([](simulation& s) {
        weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(10), 4);
        std::vector<std::pair<weir::duration, std::size_t>> granted;
        std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
        int ended = 0;
        for (std::size_t i = 0; i < 24; ++i) {
            signals.push_back(std::make_unique<asio::cancellation_signal>());
            auto& where = i % 2 == 0 ? s.a : s.b;
            const std::size_t weight = 1 + i % 3;
            limiter.async_acquire_until(
                i % 5 == 0 ? s.world.now() + 700ms : time_point::max(), weight,
                asio::bind_cancellation_slot(
                    signals.back()->slot(),
                    asio::bind_executor(where.get_executor(), [&, weight](weir::error_code e) {
                        ++ended;
                        if (!e)
                            granted.emplace_back(s.elapsed(), weight);
                    })));
        }
        for (std::size_t i = 0; i < 24; i += 3) {
            auto& where = i % 2 == 0 ? s.a : s.b;
            s.spawn(where, [&signals, &where, i]() -> asio::awaitable<void> {
                co_await weir::async_sleep_for(where.get_executor(), i * 30ms);
                signals[i]->emit(asio::cancellation_type::terminal);
            });
        }
        s.run();
        BOOST_TEST(ended == 24);
        BOOST_TEST(limiter.waiters() == 0U);
        std::sort(granted.begin(), granted.end());
        for (std::size_t i = 0; i < granted.size(); ++i) {
            std::size_t sum = 0;
            for (std::size_t k = i; k < granted.size(); ++k) {
                sum += granted[k].second;
                const auto window = granted[k].first - granted[i].first;
                BOOST_REQUIRE(static_cast<long>(sum) - 4 <= window / 100ms);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(any_kind_of_handler_will_do)
{
    simulation s(1);
    weir::rate_limiter limiter(s.a.get_executor(), rate::per_second(1), 1);
    int calls = 0;
    asio::any_completion_handler<void(weir::error_code)> erased = [&](weir::error_code e) {
        calls += e ? 0 : 1;
    };
    limiter.async_acquire(std::move(erased));
    s.spawn([&]() -> asio::awaitable<void> {
        co_await limiter.async_acquire();
        ++calls;
        const auto got = co_await limiter.async_acquire(1, asio::as_tuple(asio::use_awaitable));
        calls += std::get<0>(got) ? 0 : 1;
    });
    s.run();
    BOOST_TEST(calls == 3);
}

BOOST_AUTO_TEST_SUITE_END()
