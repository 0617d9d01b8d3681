#include <weir/policy/keyed_rate_limiter.hpp>

#include <weir/time/sleep.hpp>

#include "support/hand_clock.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::rate;
using weir::test::hand_clock;
using weir::test::in_many_orders;
using weir::test::simulation;
using limiter_type = weir::keyed_rate_limiter<std::string>;

BOOST_AUTO_TEST_SUITE(keyed_rate_limiter)

// One whose token of this key is gone, and comes back at no time.
struct taken {
    explicit taken(asio::any_io_executor executor)
        : limiter(std::make_unique<limiter_type>(executor, rate(1, weir::duration::max()), 1))
    {
        BOOST_TEST(limiter->try_acquire("a"));
    }
    template <class Handler>
    void begin(Handler handler)
    {
        limiter->async_acquire("a", std::move(handler));
    }

    std::unique_ptr<limiter_type> limiter;
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

BOOST_AUTO_TEST_CASE(a_cancelled_wait_takes_no_token)
{
    weir::test::ends_when_cancelled(
        start, [](weir::error_code e) { BOOST_TEST(e == asio::error::operation_aborted); });
    in_many_orders([](simulation& s) {
        limiter_type limiter(s.a.get_executor(), rate::per_second(10), 2);
        BOOST_TEST(limiter.try_acquire("a", 2));
        asio::cancellation_signal signal;
        std::optional<weir::duration> second;
        limiter.async_acquire("a", 2, asio::bind_cancellation_slot(signal.slot(), [](auto) {}));
        limiter.async_acquire("a", [&](weir::error_code e) {
            BOOST_TEST(!e);
            second = s.elapsed();
        });
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 150ms);
            signal.emit(asio::cancellation_type::total);
        });
        s.run();
        BOOST_TEST((second == 150ms)); // the second was behind the first, and goes when that does
    });
}

BOOST_AUTO_TEST_CASE(a_token_already_granted_is_taken_though_cancelled_afterwards)
{
    simulation s(1);
    limiter_type limiter(s.a.get_executor(), rate::per_second(1), 1);
    asio::cancellation_signal signal;
    std::optional<weir::error_code> got;
    limiter.async_acquire(
        "a", asio::bind_cancellation_slot(signal.slot(), [&](weir::error_code e) { got = e; }));
    signal.emit(asio::cancellation_type::terminal); // it is granted, and on its way
    s.run();
    BOOST_TEST((got == weir::error_code()));
    BOOST_TEST(limiter.available("a") == 0U);
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

BOOST_AUTO_TEST_CASE(each_key_has_its_own_tokens_and_its_own_line)
{
    in_many_orders([](simulation& s) {
        limiter_type limiter(s.a.get_executor(), rate::per_second(10), 2);
        std::map<std::string, std::vector<weir::duration>> at;
        bool inside = true;
        for (const std::string key : {"busy", "busy", "busy", "busy", "quiet", "busy", "quiet"})
            limiter.async_acquire(key, [&, key](weir::error_code e) {
                BOOST_TEST(!e);
                BOOST_TEST(!inside);
                at[key].push_back(s.elapsed());
            });
        inside = false;
        BOOST_TEST(limiter.waiters() == 3U);
        BOOST_TEST(limiter.waiters("busy") == 3U);
        BOOST_TEST(limiter.waiters("quiet") == 0U);
        BOOST_TEST(limiter.keys() == 2U);
        BOOST_TEST(!limiter.try_acquire("busy"));
        BOOST_TEST(limiter.try_acquire("other", 2));
        s.run();
        BOOST_TEST((at["busy"] == std::vector<weir::duration>{0ms, 0ms, 100ms, 200ms, 300ms}));
        BOOST_TEST((at["quiet"] == std::vector<weir::duration>{0ms, 0ms}));
        BOOST_TEST(limiter.available("quiet") == 2U);
        BOOST_TEST(limiter.available("busy") == 0U);
        BOOST_TEST(limiter.keys() == 1U); // the others are full again
    });
}

BOOST_AUTO_TEST_CASE(first_come_first_served_by_weight_within_a_key)
{
    in_many_orders([](simulation& s) {
        limiter_type limiter(s.a.get_executor(), rate::per_second(10), 4);
        BOOST_TEST(limiter.try_acquire("a", 3));
        std::vector<std::pair<int, weir::duration>> order;
        for (const auto& [number, weight] : {std::pair{1, 3U}, {2, 1U}, {3, 4U}})
            limiter.async_acquire("a", weight, [&, id = number](weir::error_code e) {
                BOOST_TEST(!e);
                order.emplace_back(id, s.elapsed());
            });
        BOOST_TEST(!limiter.try_acquire("a"));
        s.run();
        BOOST_TEST((order == std::vector<std::pair<int, weir::duration>>{
                                 {1, 200ms}, {2, 300ms}, {3, 700ms}}));
    });
}

BOOST_AUTO_TEST_CASE(a_steady_demand_of_each_key_gets_the_rate_within_one_per_cent)
{
    simulation s(1);
    weir::keyed_rate_limiter<int> limiter(s.a.get_executor(), rate::per_second(333), 7);
    for (int key = 0; key < 20; ++key)
        s.spawn([&, key]() -> asio::awaitable<void> {
            for (int i = 0; i < 107; ++i)
                co_await limiter.async_acquire(key, asio::use_awaitable);
            const double seconds = std::chrono::duration<double>(s.elapsed()).count();
            BOOST_TEST(seconds >= 100 / 333.0);
            BOOST_TEST(seconds <= 100 / 333.0 * 1.01);
        });
    s.run();
}

BOOST_AUTO_TEST_CASE(what_is_out_of_range_is_refused)
{
    simulation s(1);
    const auto executor = s.a.get_executor();
    limiter_type limiter(executor, rate::per_second(10), 3);
    std::optional<weir::error_code> got;
    limiter.async_acquire("a", 4, [&](weir::error_code e) { got = e; });
    BOOST_TEST(!got.has_value());
    s.run();
    BOOST_TEST((got == weir::errc::too_large));
    BOOST_TEST(!limiter.try_acquire("a", 4));
    BOOST_TEST(limiter.keys() == 0U);
    BOOST_CHECK_THROW((void)limiter.try_acquire("a", 0), std::invalid_argument);
    BOOST_CHECK_THROW(limiter.async_acquire("a", 0, [](weir::error_code) {}),
                      std::invalid_argument);
    BOOST_CHECK_THROW(limiter.change(rate::per_second(1), 0), std::invalid_argument);
    BOOST_CHECK_THROW(limiter_type(executor, rate::per_second(1), 0), std::invalid_argument);
    BOOST_CHECK_THROW(limiter_type(executor, rate::per_second(1), 1, 0), std::invalid_argument);
    BOOST_TEST(limiter.max_keys() == 65'536U);
}

BOOST_AUTO_TEST_CASE(no_more_keys_are_remembered_than_may_be)
{
    simulation s(1);
    weir::keyed_rate_limiter<int> limiter(s.a.get_executor(), rate::per_second(10), 1, 2);
    BOOST_TEST(limiter.try_acquire(1));
    BOOST_TEST(limiter.try_acquire(2));
    BOOST_TEST(!limiter.try_acquire(3));
    std::optional<weir::error_code> third, first;
    limiter.async_acquire(3, [&](weir::error_code e) { third = e; });
    limiter.async_acquire(1, [&](weir::error_code e) { first = e; });
    s.run();
    BOOST_TEST((third == weir::errc::full));
    BOOST_TEST((first == weir::error_code()));
    BOOST_TEST((s.elapsed() == 100ms));
    BOOST_TEST(limiter.keys() == 1U); // the second is full again
    BOOST_TEST(limiter.try_acquire(3));
}

BOOST_AUTO_TEST_CASE(an_acquire_waits_until_its_deadline_and_takes_nothing_then)
{
    in_many_orders([](simulation& s) {
        limiter_type limiter(s.a.get_executor(), rate::per_second(1), 2);
        BOOST_TEST(limiter.try_acquire("a", 2));
        std::optional<weir::duration> in_time, late, after;
        const auto until = s.world.now() + 2s;
        limiter.async_acquire_until(until, "a", [&](weir::error_code e) {
            BOOST_TEST(!e);
            in_time = s.elapsed();
        });
        limiter.async_acquire_until(until, "a", 2, [&](weir::error_code e) {
            BOOST_TEST((e == weir::errc::timed_out));
            late = s.elapsed();
        });
        limiter.async_acquire("a", [&](weir::error_code e) {
            BOOST_TEST(!e);
            after = s.elapsed();
        });
        s.run();
        BOOST_TEST((in_time == 1s));
        BOOST_TEST((late == 2s));
        BOOST_TEST((after == 2s)); // it fits when the one before it has left
    });
}

BOOST_AUTO_TEST_CASE(a_new_rate_reaches_those_that_wait)
{
    simulation s(1);
    limiter_type limiter(s.a.get_executor(), rate(1, 1h), 2);
    std::vector<weir::duration> at;
    std::optional<weir::error_code> large;
    for (const std::string key : {"a", "b"}) {
        BOOST_TEST(limiter.try_acquire(key, 2));
        limiter.async_acquire(key, [&](weir::error_code e) {
            BOOST_TEST(!e);
            at.push_back(s.elapsed());
        });
    }
    limiter.async_acquire("b", 2, [&](weir::error_code e) { large = e; });
    limiter.change(rate::per_second(10), 1);
    BOOST_TEST((limiter.rate() == rate::per_second(10)));
    BOOST_TEST(limiter.burst() == 1U);
    s.run();
    BOOST_TEST((at == std::vector<weir::duration>{200ms, 200ms})); // two are missing, of one
    BOOST_TEST((large == weir::errc::too_large));
}

BOOST_AUTO_TEST_CASE(close_wakes_waiters_and_refuses_newcomers)
{
    in_many_orders([](simulation& s) {
        auto limiter = std::make_unique<limiter_type>(s.a.get_executor(), rate::per_second(1), 1);
        int closed = 0;
        const auto count = [&](weir::error_code e) { closed += e == weir::errc::closed ? 1 : 0; };
        for (const std::string key : {"a", "b", "c"}) {
            BOOST_TEST(limiter->try_acquire(key));
            limiter->async_acquire(key, count);
        }
        limiter->close();
        BOOST_TEST(limiter->is_closed());
        limiter->async_acquire("d", count);
        BOOST_TEST(!limiter->try_acquire("d"));
        limiter.reset();
        s.run();
        BOOST_TEST(closed == 4);
        BOOST_TEST((s.elapsed() == 0s)); // no timer is left
    });
}

BOOST_AUTO_TEST_CASE(destroying_it_is_closing_it)
{
    in_many_orders([](simulation& s) {
        taken t(s.a.get_executor());
        std::optional<weir::error_code> got;
        t.begin([&](weir::error_code e) { got = e; });
        t.limiter.reset();
        s.run();
        BOOST_TEST((got == weir::errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(its_context_going_first_closes_it)
{
    weir::sim::world w(1);
    auto a = std::make_unique<weir::sim::context>(w);
    weir::sim::context b(w);
    limiter_type limiter(a->get_executor(), rate::per_second(1), 1);
    BOOST_TEST(limiter.try_acquire("a"));
    std::optional<weir::error_code> waiting, late;
    limiter.async_acquire(
        "a", asio::bind_executor(b.get_executor(), [&](weir::error_code e) { waiting = e; }));
    a.reset();
    BOOST_TEST(limiter.is_closed());
    BOOST_TEST(!limiter.try_acquire("b"));
    BOOST_TEST(limiter.available("a") <= 1U); // of no clock, but no crash
    BOOST_TEST(limiter.keys() <= 1U);
    limiter.change(rate::per_second(5), 2);
    limiter.async_acquire(
        "b", asio::bind_executor(b.get_executor(), [&](weir::error_code e) { late = e; }));
    w.run();
    BOOST_TEST((waiting == weir::errc::closed));
    BOOST_TEST((late == weir::errc::closed));
}

BOOST_AUTO_TEST_CASE(a_token_whose_receiver_is_gone_is_spent)
{
    simulation s(1);
    limiter_type limiter(s.a.get_executor(), rate::per_second(1), 1);
    auto away = std::make_unique<weir::sim::context>(s.world);
    std::optional<weir::duration> second;
    limiter.async_acquire("a", asio::bind_executor(away->get_executor(), [](weir::error_code) {}));
    limiter.async_acquire("a", [&](weir::error_code e) {
        BOOST_TEST(!e);
        second = s.elapsed();
    });
    away.reset();
    s.run();
    BOOST_TEST((second == 1s));
}

BOOST_AUTO_TEST_CASE(a_waiter_whose_context_is_destroyed_lets_those_behind_it_pass)
{
    simulation s(1);
    limiter_type limiter(s.a.get_executor(), rate::per_second(1), 2);
    BOOST_TEST(limiter.try_acquire("a"));
    auto away = std::make_unique<weir::sim::context>(s.world);
    std::optional<weir::duration> second;
    limiter.async_acquire("a", 2,
                          asio::bind_executor(away->get_executor(), [](weir::error_code) {}));
    limiter.async_acquire("a", [&](weir::error_code e) {
        BOOST_TEST(!e);
        second = s.elapsed();
    });
    away.reset();
    s.run();
    BOOST_TEST((second == 0s));
}

BOOST_AUTO_TEST_CASE(all_waiters_share_one_timer_which_goes_with_the_last)
{
    hand_clock clock;
    weir::keyed_rate_limiter<int> limiter(clock.executor(), rate(1, 1h), 1);
    std::vector<asio::cancellation_signal> signals(50);
    int aborted = 0;
    for (int key = 0; key < 50; ++key) {
        BOOST_TEST(limiter.try_acquire(key));
        limiter.async_acquire(
            key, asio::bind_cancellation_slot(
                     signals[static_cast<std::size_t>(key)].slot(), [&](weir::error_code e) {
                         aborted += e == asio::error::operation_aborted ? 1 : 0;
                     }));
    }
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
    limiter_type limiter(clock.executor(), rate::per_second(1), 1);
    BOOST_TEST(limiter.try_acquire("a"));
    std::optional<weir::error_code> first, second;
    clock.fail_next(1);
    limiter.async_acquire("a", [&](weir::error_code e) { first = e; });
    clock.context().poll();
    BOOST_TEST((first == too_many_files));
    limiter.async_acquire("a", [&](weir::error_code e) { second = e; });
    clock.advance_to(weir::time_point{} + 1s);
    clock.context().restart();
    clock.context().poll();
    BOOST_TEST((second == weir::error_code()));
}

BOOST_AUTO_TEST_CASE(a_waiter_may_destroy_the_limiter_from_its_handler)
{
    in_many_orders([](simulation& s) {
        auto limiter = std::make_unique<limiter_type>(s.a.get_executor(), rate::per_second(1), 1);
        int closed = 0;
        for (const std::string key : {"a", "b"}) {
            BOOST_TEST(limiter->try_acquire(key));
            limiter->async_acquire(key, [&](weir::error_code) { limiter.reset(); });
            limiter->async_acquire(
                key, [&](weir::error_code e) { closed += e == weir::errc::closed ? 1 : 0; });
        }
        s.run();
        BOOST_TEST(closed == 2);
        BOOST_TEST((s.elapsed() == 1s));
    });
}

struct moody {
    moody(int n) : number(n) {}
    moody(moody&& other) noexcept : number(other.number) {}
    moody(const moody& other) : number(other.number)
    {
        if (copies++ == failing)
            throw std::bad_alloc();
    }
    moody& operator=(const moody&) = delete;
    ~moody() = default;
    bool operator==(const moody& other) const noexcept { return number == other.number; }

    int number;
    static inline int copies = 0;
    static inline int failing = -1;
};
struct worst_hash {
    std::size_t operator()(const moody&) const noexcept { return 0; }
};

BOOST_AUTO_TEST_CASE(a_key_that_cannot_be_copied_throws_or_ends_the_wait)
{
    for (int failing = 0; failing < 8; ++failing) {
        simulation s(1);
        weir::keyed_rate_limiter<moody, worst_hash> limiter(s.a.get_executor(), rate::per_second(1),
                                                            1);
        moody::copies = 0;
        moody::failing = failing;
        int begun = 0, ended = 0;
        for (int i = 0; i < 4; ++i)
            try {
                limiter.async_acquire(moody(i / 2), [&](weir::error_code e) {
                    BOOST_TEST((!e || e == asio::error::no_memory));
                    ++ended;
                });
                ++begun;
                if (limiter.try_acquire(moody(i + 5)))
                    BOOST_TEST(limiter.available(moody(i + 5)) == 0U);
            } catch (const std::bad_alloc&) {
            }
        s.run();
        moody::failing = -1;
        BOOST_TEST(begun == ended);
        BOOST_TEST(limiter.waiters() == 0U);
        BOOST_TEST(limiter.try_acquire(moody(4)));
    }
}

BOOST_AUTO_TEST_CASE(any_kind_of_handler_will_do)
{
    simulation s(1);
    limiter_type limiter(s.a.get_executor(), rate::per_second(1), 1);
    int calls = 0;
    asio::any_completion_handler<void(weir::error_code)> erased = [&](weir::error_code e) {
        calls += e ? 0 : 1;
    };
    limiter.async_acquire("a", std::move(erased));
    s.spawn([&]() -> asio::awaitable<void> {
        const std::string key = "a";
        co_await limiter.async_acquire(key);
        ++calls;
        const auto got =
            co_await limiter.async_acquire(key, 1, asio::as_tuple(asio::use_awaitable));
        calls += std::get<0>(got) ? 0 : 1;
    });
    s.run();
    BOOST_TEST(calls == 3);
}

BOOST_AUTO_TEST_SUITE_END()
