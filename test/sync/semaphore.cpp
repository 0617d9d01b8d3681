#include <weir/sync/semaphore.hpp>

#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::test::in_many_orders;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(semaphore)

// A semaphore of one whose permit is out.
struct taken {
    explicit taken(asio::any_io_executor executor)
        : semaphore(std::make_unique<weir::semaphore>(executor, 1)),
          permit(semaphore->try_acquire())
    {
    }
    template <class Handler>
    void begin(Handler handler)
    {
        semaphore->async_acquire(std::move(handler));
    }

    std::unique_ptr<weir::semaphore> semaphore;
    weir::permit permit;
};

const auto start = [](asio::any_io_executor executor) { return taken(executor); };
const auto finish = [](taken& t) { t.permit.release(); };

BOOST_AUTO_TEST_CASE(a_grant_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(start, finish);
}

BOOST_AUTO_TEST_CASE(an_acquire_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(start, finish);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_takes_no_permit)
{
    weir::test::ends_when_cancelled(start, [](weir::error_code error, const weir::permit& p) {
        BOOST_TEST(error == asio::error::operation_aborted);
        BOOST_TEST(!p);
    });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(start);
}

BOOST_AUTO_TEST_CASE(a_permit_is_had_at_once_while_there_is_room)
{
    simulation s(1);
    weir::semaphore limit(s.a.get_executor(), 2);
    weir::permit one = limit.try_acquire();
    BOOST_TEST(one.weight() == 1U);
    BOOST_TEST(limit.in_use() == 1U);
    bool called = false;
    limit.async_acquire([&](weir::error_code error, weir::permit p) {
        called = true;
        BOOST_TEST(!error);
        BOOST_TEST(limit.in_use() == 2U);
        BOOST_TEST(!limit.try_acquire());
        p.release();
        BOOST_TEST(limit.in_use() == 1U);
    });
    BOOST_TEST(!called); // never inside the call
    s.run();
    BOOST_TEST(called);
    one = weir::permit();
    BOOST_TEST(limit.in_use() == 0U);
}

BOOST_AUTO_TEST_CASE(limits_and_weights_out_of_range_are_refused)
{
    simulation s(1);
    const auto executor = s.a.get_executor();
    BOOST_CHECK_THROW(weir::semaphore(executor, 0), std::invalid_argument);
    BOOST_CHECK_THROW(weir::semaphore(executor, -1), std::invalid_argument);
    BOOST_CHECK_THROW(weir::semaphore(executor, weir::unlimited.count()), std::invalid_argument);
    weir::semaphore limit(executor, weir::unlimited);
    BOOST_CHECK_THROW(limit.resize(0), std::invalid_argument);
    BOOST_CHECK_THROW((void)limit.try_acquire(0), std::invalid_argument);
    BOOST_TEST(bool(limit.try_acquire(1'000'000)));
}

BOOST_AUTO_TEST_CASE(more_than_the_limit_is_an_error_and_no_wait_for_ever)
{
    simulation s(1);
    weir::semaphore limit(s.a.get_executor(), 3);
    weir::error_code got;
    limit.async_acquire(4, [&](weir::error_code error, weir::permit) { got = error; });
    s.run();
    BOOST_TEST((got == weir::errc::too_large));
    BOOST_TEST(limit.in_use() == 0U);
}

BOOST_AUTO_TEST_CASE(first_come_first_served_by_weight)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 4);
        std::vector<int> order;
        weir::permit held = limit.try_acquire(3);
        // The big one does not fit; the small one behind it would, and must not overtake.
        for (const auto& [number, weight] : {std::pair{1, 2}, {2, 1}, {3, 4}})
            limit.async_acquire(static_cast<std::size_t>(weight),
                                [&order, id = number](weir::error_code error, weir::permit) {
                                    BOOST_TEST(!error);
                                    order.push_back(id);
                                });
        BOOST_TEST(limit.waiters() == 3U);
        BOOST_TEST(!limit.try_acquire()); // there is room for one, but not past the line
        s.world.run();
        BOOST_TEST(order.empty());
        held.release();
        s.run();
        BOOST_TEST(order.size() == 3U);
        BOOST_TEST(order.back() == 3);
        BOOST_TEST(limit.in_use() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(when_the_head_is_cancelled_those_behind_it_are_looked_at)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 2);
        const weir::permit held = limit.try_acquire();
        asio::cancellation_signal signal;
        bool granted = false;
        limit.async_acquire(
            2, asio::bind_cancellation_slot(signal.slot(), [](weir::error_code, weir::permit) {}));
        limit.async_acquire([&](weir::error_code error, weir::permit) { granted = !error; });
        s.world.run();
        BOOST_TEST(!granted);
        signal.emit(asio::cancellation_type::total);
        s.run();
        BOOST_TEST(granted);
    });
}

// More of them than are granted in one hold of the lock.
BOOST_AUTO_TEST_CASE(when_the_time_of_the_head_is_over_all_that_fit_behind_it_are_granted)
{
    simulation s(1);
    weir::semaphore limit(s.a.get_executor(), 1000);
    const weir::permit held = limit.try_acquire(800);
    const auto deadline = s.world.now() + std::chrono::seconds(1);
    limit.async_acquire_until(deadline, 900, [](weir::error_code error, weir::permit) {
        BOOST_TEST((error == weir::errc::timed_out));
    });
    std::vector<weir::permit> granted;
    for (int i = 0; i < 200; ++i)
        limit.async_acquire([&](weir::error_code error, weir::permit p) {
            BOOST_TEST(!error);
            granted.push_back(std::move(p));
        });
    s.world.run();
    BOOST_TEST(granted.size() == 200U);
    BOOST_TEST(limit.waiters() == 0U);
}

BOOST_AUTO_TEST_CASE(a_granted_permit_is_delivered_though_cancelled_afterwards)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 1);
        weir::permit held = limit.try_acquire();
        asio::cancellation_signal signal;
        std::optional<weir::error_code> got;
        limit.async_acquire(asio::bind_cancellation_slot(
            signal.slot(), [&](weir::error_code error, weir::permit) { got = error; }));
        held.release(); // granted, and on its way
        signal.emit(asio::cancellation_type::terminal);
        s.run();
        BOOST_REQUIRE(got.has_value());
        BOOST_TEST(!*got);
        BOOST_TEST(limit.in_use() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(a_grant_whose_receiver_is_gone_goes_to_the_next)
{
    weir::sim::world w(1);
    auto a = std::make_unique<weir::sim::context>(w);
    weir::sim::context b(w);
    weir::semaphore limit(b.get_executor(), 1);
    weir::permit held = limit.try_acquire();
    bool granted = false;
    limit.async_acquire(
        asio::bind_executor(a->get_executor(), [](weir::error_code, weir::permit) {}));
    limit.async_acquire(asio::bind_executor(
        b.get_executor(), [&](weir::error_code error, weir::permit) { granted = !error; }));
    held.release(); // to the first, posted to a
    a.reset();
    w.run();
    BOOST_TEST(granted);
    BOOST_TEST(limit.in_use() == 0U);
}

BOOST_AUTO_TEST_CASE(close_wakes_waiters_and_refuses_newcomers)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 1);
        const weir::permit held = limit.try_acquire();
        int closed = 0;
        const auto count = [&](weir::error_code error, const weir::permit& p) {
            closed += (error == weir::errc::closed && !p) ? 1 : 0;
        };
        limit.async_acquire(count);
        limit.close();
        limit.async_acquire(count);
        s.run();
        BOOST_TEST(closed == 2);
        BOOST_TEST(limit.is_closed());
        BOOST_TEST(!limit.try_acquire());
        BOOST_TEST(limit.in_use() == 1U); // what was granted stays good
    });
}

BOOST_AUTO_TEST_CASE(resizing_up_grants_and_down_revokes_nothing)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 1);
        std::vector<weir::permit> permits;
        const auto keep = [&](weir::error_code error, weir::permit p) {
            BOOST_TEST(!error);
            permits.push_back(std::move(p));
        };
        for (int i = 0; i < 4; ++i)
            limit.async_acquire(keep);
        s.world.run();
        BOOST_TEST(permits.size() == 1U);
        limit.resize(3);
        s.world.run();
        BOOST_TEST(permits.size() == 3U);
        limit.resize(1);
        BOOST_TEST(limit.in_use() == 3U);
        permits.pop_back();
        s.world.run();
        BOOST_TEST(permits.size() == 2U); // still above the limit: no grant
        permits.clear();
        s.run();
        BOOST_TEST(permits.size() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(resizing_below_a_waiters_weight_fails_it_with_too_large)
{
    simulation s(1);
    weir::semaphore limit(s.a.get_executor(), 5);
    const weir::permit held = limit.try_acquire(3);
    weir::error_code got;
    limit.async_acquire(4, [&](weir::error_code error, weir::permit) { got = error; });
    limit.resize(3);
    s.run();
    BOOST_TEST((got == weir::errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_permit_may_be_split_and_may_outlive_its_semaphore)
{
    simulation s(1);
    auto limit = std::make_unique<weir::semaphore>(s.a.get_executor(), 5);
    weir::permit whole = limit->try_acquire(5);
    weir::permit part = whole.split(2);
    BOOST_TEST(whole.weight() == 3U);
    BOOST_TEST(part.weight() == 2U);
    BOOST_CHECK_THROW((void)whole.split(4), std::invalid_argument);
    BOOST_CHECK_THROW((void)whole.split(0), std::invalid_argument);
    part.release();
    BOOST_TEST(limit->in_use() == 3U);
    weir::permit all = whole.split(3);
    BOOST_TEST(!whole);
    limit.reset();
    all.release();
}

// Law 3 as a count, whatever the order: nothing is granted beyond the limit, nothing is lost.
BOOST_AUTO_TEST_CASE(random_cancels_lose_and_invent_no_permit)
{
    in_many_orders(
        [](simulation& s) {
            weir::semaphore limit(s.a.get_executor(), 3);
            std::size_t inside = 0;
            std::size_t most = 0;
            std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
            int ended = 0;
            for (std::size_t i = 0; i < 12; ++i) {
                signals.push_back(std::make_unique<asio::cancellation_signal>());
                auto& where = i % 2 == 0 ? s.a : s.b;
                const std::size_t weight = 1 + i % 3;
                const auto user = [&limit, &inside, &most, weight,
                                   &where]() -> asio::awaitable<void> {
                    const weir::permit p =
                        co_await limit.async_acquire(weight, asio::use_awaitable);
                    inside += weight;
                    most = std::max(most, inside);
                    co_await asio::this_coro::throw_if_cancelled(false);
                    co_await weir::async_sleep_for(where.get_executor(), 1s,
                                                   asio::as_tuple(asio::use_awaitable));
                    inside -= weight;
                };
                asio::co_spawn(where.get_executor(), user,
                               asio::bind_cancellation_slot(signals.back()->slot(),
                                                            [&](std::exception_ptr) { ++ended; }));
            }
            for (std::size_t i = 0; i < 12; i += 3) {
                auto& where = i % 2 == 0 ? s.a : s.b;
                s.spawn(where, [&signals, &where, i]() -> asio::awaitable<void> {
                    co_await weir::async_sleep_for(where.get_executor(), i * 300ms);
                    signals[i]->emit(asio::cancellation_type::terminal);
                });
            }
            s.run();
            BOOST_TEST(ended == 12);
            BOOST_TEST(most == 3U);
            BOOST_TEST(limit.in_use() == 0U);
            BOOST_TEST(limit.waiters() == 0U);
        },
        500);
}

BOOST_AUTO_TEST_CASE(any_kind_of_handler_will_do)
{
    simulation s(1);
    weir::semaphore limit(s.a.get_executor(), 1);
    int calls = 0;
    asio::any_completion_handler<void(weir::error_code, weir::permit)> erased =
        [&](weir::error_code error, weir::permit) { calls += error ? 0 : 1; };
    limit.async_acquire(std::move(erased));
    s.spawn([&]() -> asio::awaitable<void> {
        const weir::permit p = co_await limit.async_acquire();
        ++calls;
    });
    s.spawn([&]() -> asio::awaitable<void> {
        const auto got = co_await limit.async_acquire(asio::as_tuple(asio::use_awaitable));
        calls += std::get<0>(got) ? 0 : 1;
    });
    s.run();
    BOOST_TEST(calls == 3);
}

BOOST_AUTO_TEST_CASE(a_paused_semaphore_queues_every_waiter_and_refuses_none)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), weir::paused);
        BOOST_TEST(limit.limit().is_paused());
        BOOST_TEST(!limit.try_acquire());
        std::vector<weir::error_code> got(3);
        std::vector<weir::permit> held;
        for (std::size_t i = 0; i < 3; ++i)
            limit.async_acquire(i + 1, [&got, &held, i](weir::error_code error, weir::permit p) {
                got[i] = error;
                held.push_back(std::move(p));
            });
        s.world.run();
        BOOST_TEST(held.empty());
        limit.resize(2); // and the one that wants three fails
        s.world.run();
        BOOST_TEST(held.size() == 2U);
        BOOST_TEST(limit.in_use() == 1U);
        BOOST_TEST((got[2] == weir::errc::too_large));
        limit.resize(weir::paused);
        held.clear();
        s.world.run();
        BOOST_TEST(held.empty());
        limit.resize(weir::unlimited);
        s.run();
        BOOST_TEST(held.size() == 1U);
        BOOST_TEST(!got[1]);
    });
}

BOOST_AUTO_TEST_CASE(a_bounded_number_of_smaller_ones_may_pass_the_first)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 4, 2);
        weir::permit held = limit.try_acquire(2);
        std::vector<int> order;
        std::vector<weir::permit> permits;
        const auto acquire = [&](std::size_t weight, int who) {
            limit.async_acquire(weight, [&, who](weir::error_code error, weir::permit p) {
                BOOST_TEST(!error);
                order.push_back(who);
                permits.push_back(std::move(p));
            });
        };
        acquire(4, 0); // has to wait for everything
        for (int who = 1; who <= 3; ++who)
            acquire(1, who);
        s.world.run();
        std::vector<int> passed = order;
        std::sort(passed.begin(), passed.end());
        BOOST_TEST((passed == std::vector<int>{1, 2})); // two passed, the third may not
        permits.clear();
        s.world.run();
        BOOST_TEST(order.size() == 2U); // there is room for it, but it would be one too many
        held.release();
        s.world.run();
        BOOST_TEST(order.back() == 0);
        BOOST_TEST(limit.waiters() == 1U);
        permits.clear();
        s.run();
        BOOST_TEST(order.back() == 3);
    });
}

BOOST_AUTO_TEST_CASE(an_acquire_past_its_deadline_takes_no_permit)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 1);
        int granted = 0, timed_out = 0;
        s.spawn(s.a, [&]() -> asio::awaitable<void> {
            weir::permit held = co_await limit.async_acquire();
            co_await weir::async_sleep_for(s.a.get_executor(), 2s);
        });
        for (int i = 1; i <= 3; ++i)
            s.spawn(s.b, [&, i]() -> asio::awaitable<void> {
                const auto at = weir::now(s.b.get_executor()) + i * 1s;
                auto acquire =
                    limit.async_acquire_until(at, 1, asio::as_tuple(asio::use_awaitable));
                auto result = co_await std::move(acquire);
                if (std::get<0>(result))
                    BOOST_TEST((std::get<0>(result) == weir::errc::timed_out));
                BOOST_TEST(bool(std::get<1>(result)) == !std::get<0>(result));
                ++(std::get<0>(result) ? timed_out : granted);
                if (!std::get<0>(result) && i < 3)
                    co_await weir::async_sleep_for(s.b.get_executor(), 1h); // it keeps it
            });
        s.run();
        BOOST_TEST(granted + timed_out == 3);
        BOOST_TEST(limit.in_use() == 0U);
        BOOST_TEST(limit.waiters() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(close_wakes_waiters_of_every_weight_and_executor)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 2);
        const weir::permit held = limit.try_acquire(2);
        int closed = 0;
        const auto count = [&](weir::error_code error, const weir::permit& p) {
            closed += (error == weir::errc::closed && !p) ? 1 : 0;
        };
        for (const std::size_t weight : {2, 1, 1}) {
            limit.async_acquire(weight, count);
            limit.async_acquire(weight, asio::bind_executor(s.b.get_executor(), count));
        }
        BOOST_TEST(limit.waiters() == 6U);
        limit.close();
        BOOST_TEST(limit.waiters() == 0U);
        s.run();
        BOOST_TEST(closed == 6);
    });
}

BOOST_AUTO_TEST_CASE(no_more_newcomers_than_allowed_overtake_the_first_waiter)
{
    in_many_orders([](simulation& s) {
        weir::semaphore limit(s.a.get_executor(), 8, 2);
        weir::permit held = limit.try_acquire(2);
        std::vector<weir::permit> permits;
        const auto keep = [&](weir::error_code error, weir::permit p) {
            BOOST_TEST(!error);
            permits.push_back(std::move(p));
        };
        limit.async_acquire(8, keep); // has to wait for everything
        for (int i = 0; i < 4; ++i)   // there is room for all of them
            limit.async_acquire(1, keep);
        BOOST_TEST(limit.in_use() == 4U);
        BOOST_TEST(limit.waiters() == 3U);
        s.world.run();
        permits.clear();
        held.release();
        s.world.run();
        BOOST_REQUIRE(permits.size() == 1U);
        BOOST_TEST(permits.front().weight() == 8U);
        permits.clear();
        s.run();
        BOOST_TEST(permits.size() == 2U);
    });
}

BOOST_AUTO_TEST_CASE(a_weight_may_be_a_plain_number_without_a_token)
{
    weir::test::simulation s(1);
    weir::semaphore limit(s.a.get_executor(), 3);
    std::size_t weight = 0;
    s.spawn([&]() -> boost::asio::awaitable<void> {
        const weir::permit two = co_await limit.async_acquire(2);
        weight = two.weight();
    });
    s.run();
    BOOST_TEST(weight == 2U);
    BOOST_TEST(limit.in_use() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
