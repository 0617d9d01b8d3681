#include <weir/policy/admission.hpp>

#include <weir/time/sleep.hpp>

#include "support/hand_clock.hpp"
#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::limit;
using weir::rate;
using weir::test::hand_clock;
using weir::test::in_many_orders;
using weir::test::simulation;
using admission_type = weir::admission<>;
using pass = weir::admission_pass<>;
using request = weir::admission_request<>;

// A key that cannot always be copied.
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

template <>
struct std::hash<moody> {
    std::size_t operator()(const moody& m) const noexcept { return std::hash<int>()(m.number); }
};

BOOST_AUTO_TEST_SUITE(admission)

// Two counts, keys and a rate.
struct limited {
    explicit limited(asio::any_io_executor executor, limit of_places = 2, limit of_bytes = 100,
                     limit of_key = 2, rate each = rate::per_second(10), std::size_t burst = 4)
        : places(limits.count(of_places)), bytes(limits.count(of_bytes)),
          all(std::make_unique<admission_type>(executor, limits.per_key(of_key).rate(each, burst)))
    {
    }

    request ask(std::size_t of_places, std::size_t of_bytes, std::size_t tokens = 0) const
    {
        request r;
        if (of_places != 0)
            r.take(places, of_places);
        if (of_bytes != 0)
            r.take(bytes, of_bytes);
        if (tokens != 0)
            r.tokens(tokens);
        return r;
    }
    request ask_key(std::string key, std::size_t amount = 1) const
    {
        return request().key(std::move(key), amount);
    }

    /// Keeps the pass in `held`.
    void begin(int id, const request& r)
    {
        all->async_acquire(r, [this, id](weir::error_code error, pass p) {
            BOOST_TEST(!error);
            BOOST_TEST(bool(p));
            order.push_back(id);
            held.emplace(id, std::move(p));
        });
    }

    weir::admission_limits limits;
    weir::admission_count places, bytes;
    std::unique_ptr<admission_type> all;
    std::vector<int> order;
    std::map<int, pass> held;
};

// A request that has to wait: for a count, for its key, for a token.
enum class waits_for { count, key, rate };

struct taken : limited {
    taken(asio::any_io_executor executor, waits_for w)
        : limited(executor, 1, 100, 1, rate(1, weir::duration::max()), 1), what(w),
          blocker(all->try_acquire(own_request()))
    {
        BOOST_TEST(bool(blocker));
    }
    request own_request() const
    {
        switch (what) {
        case waits_for::count:
            return ask(1, 10);
        case waits_for::key:
            return ask_key("a").take(bytes, 10);
        case waits_for::rate:
            return ask(0, 10, 1);
        }
        return request();
    }
    template <class Handler>
    void begin(Handler handler)
    {
        all->async_acquire(own_request(), std::move(handler));
    }
    void finish()
    {
        blocker.release();
        if (what == waits_for::rate)
            all->change(rate::per_second(10), 1);
    }

    waits_for what;
    pass blocker;
};

template <class Check>
void for_each_wait(Check check)
{
    for (const auto what : {waits_for::count, waits_for::key, waits_for::rate})
        BOOST_TEST_CONTEXT("waits for " << static_cast<int>(what))
    check([what](asio::any_io_executor executor) { return taken(executor, what); });
}

const auto finish = [](taken& t) { t.finish(); };

// Runs what happens in this time.
void elapse(simulation& s, weir::duration length)
{
    bool over = false;
    weir::async_sleep_for(s.a.get_executor(), length, [&](weir::error_code) { over = true; });
    while (!over)
        BOOST_REQUIRE(s.world.run_one());
}

BOOST_AUTO_TEST_CASE(a_grant_completes_on_the_handlers_executor)
{
    for_each_wait(
        [](auto start) { weir::test::completes_on_the_handlers_executor(start, finish); });
}

BOOST_AUTO_TEST_CASE(an_acquire_frees_its_memory_before_its_handler_runs)
{
    for_each_wait(
        [](auto start) { weir::test::frees_its_memory_before_its_handler_runs(start, finish); });
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_takes_nothing)
{
    for_each_wait([](auto start) {
        weir::test::ends_when_cancelled(start, [](weir::error_code error, const pass& p) {
            BOOST_TEST(error == asio::error::operation_aborted);
            BOOST_TEST(!p);
        });
    });
    simulation s(1);
    taken t(s.a.get_executor(), waits_for::count);
    asio::cancellation_signal signal;
    t.begin(asio::bind_cancellation_slot(signal.slot(), [](weir::error_code, const pass&) {}));
    BOOST_TEST(t.all->waiters() == 1U);
    signal.emit(asio::cancellation_type::total);
    BOOST_TEST(t.all->waiters() == 0U);
    BOOST_TEST(t.all->in_use(t.bytes) == 10U);
    s.run();
}

BOOST_AUTO_TEST_CASE(a_granted_pass_is_delivered_though_cancelled_afterwards)
{
    for_each_wait([](auto start) {
        in_many_orders(
            [&](simulation& s) {
                auto t = start(s.a.get_executor());
                asio::cancellation_signal signal;
                bool granted = false;
                t.begin(asio::bind_cancellation_slot(
                    signal.slot(), [&](weir::error_code e, const pass& p) { granted = !e && p; }));
                t.blocker.release();
                t.all->change(rate(1, 1ns), 2); // a second token at once
                BOOST_TEST(t.all->waiters() == 0U);
                signal.emit(asio::cancellation_type::terminal);
                s.run();
                BOOST_TEST(granted);
            },
            20);
    });
}

// With a timer that is set, too.
BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    for_each_wait([](auto start) { weir::test::any_order_of_destruction_is_clean(start); });
    weir::test::any_order_of_destruction_is_clean([](asio::any_io_executor executor) {
        taken t(executor, waits_for::rate);
        t.all->change(rate(1, 1h), 1);
        return t;
    });
}

BOOST_AUTO_TEST_CASE(limits_and_the_rate_can_be_read_back)
{
    simulation s(1);
    limited l(s.a.get_executor(), 2, 100, 3, rate::per_second(10), 4);
    BOOST_TEST((l.all->limit(l.bytes) == limit(100)));
    BOOST_TEST((l.all->key_limit() == limit(3)));
    BOOST_TEST((l.all->rate() == rate::per_second(10)));
    BOOST_TEST(l.all->burst() == 4U);
    l.all->resize_keys(5);
    l.all->change(rate::per_second(20), 6);
    BOOST_TEST((l.all->key_limit() == limit(5)));
    BOOST_TEST((l.all->rate() == rate::per_second(20)));
    BOOST_TEST(l.all->burst() == 6U);
    weir::admission_limits one;
    (void)one.count(1);
    const admission_type small(s.a.get_executor(), one);
    BOOST_TEST((small.key_limit() == weir::unlimited));
    BOOST_TEST(!small.rate().has_value());
    BOOST_TEST(small.burst() == 0U);
    BOOST_TEST(small.available_tokens() == 0U);
}

// Keys without a `std::hash`.
struct tenant {
    friend bool operator==(const tenant&, const tenant&) = default;

    int number;
};

struct of_tenant {
    std::size_t operator()(const tenant&) const noexcept { return 7; } // the worst there is
};

BOOST_AUTO_TEST_CASE(a_hash_of_the_users_own_will_do)
{
    in_many_orders([](simulation& s) {
        using own = weir::admission<tenant, of_tenant>;
        weir::admission_limits limits;
        own all(s.a.get_executor(), limits.per_key(1));
        int running = 0;
        int most = 0;
        for (int i = 0; i < 6; ++i)
            s.spawn([&, i]() -> asio::awaitable<void> {
                const auto asked = own::request().key(tenant{i % 2});
                const own::pass held = co_await all.async_acquire(asked, asio::use_awaitable);
                most = std::max(most, ++running);
                co_await weir::async_sleep_for(s.a.get_executor(), 1s);
                --running;
            });
        s.run();
        BOOST_TEST(most == 2);
        BOOST_TEST((s.elapsed() == 3s));
        BOOST_TEST(all.keys() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(requests_for_nothing_or_for_what_it_does_not_have_are_refused)
{
    simulation s(1);
    limited l(s.a.get_executor());
    BOOST_CHECK_THROW((void)l.all->try_acquire(request()), std::invalid_argument);
    BOOST_CHECK_THROW(l.all->async_acquire(request(), [](weir::error_code, const pass&) {}),
                      std::invalid_argument);
    BOOST_CHECK_THROW(request().take(l.places, 0), std::invalid_argument);
    BOOST_CHECK_THROW(request().key("a", 0), std::invalid_argument);
    BOOST_CHECK_THROW(request().tokens(0), std::invalid_argument);
    BOOST_CHECK_THROW(l.all->change(rate::per_second(1), 0), std::invalid_argument);
    weir::admission_limits one;
    const auto only = one.count(1);
    admission_type small(s.a.get_executor(), one);
    BOOST_CHECK_THROW((void)small.try_acquire(l.ask(0, 1)), std::invalid_argument);
    BOOST_CHECK_THROW((void)small.try_acquire(l.ask_key("a")), std::invalid_argument);
    BOOST_CHECK_THROW((void)small.try_acquire(request().tokens()), std::invalid_argument);
    BOOST_CHECK_THROW(small.resize(l.bytes, 1), std::invalid_argument);
    BOOST_CHECK_THROW((void)small.limit(l.bytes), std::invalid_argument);
    BOOST_CHECK_THROW((void)small.in_use(l.bytes), std::invalid_argument);
    BOOST_CHECK_THROW(small.resize_keys(1), std::invalid_argument);
    BOOST_CHECK_THROW(small.change(rate::per_second(1), 1), std::invalid_argument);
    BOOST_CHECK_THROW((void)small.try_acquire(request().take(l.places)), std::invalid_argument);
    BOOST_CHECK_THROW(small.resize(l.places, 1), std::invalid_argument);
    BOOST_CHECK_THROW((void)small.limit(l.places), std::invalid_argument);
    BOOST_CHECK_THROW((void)request().take(l.places).take(only), std::invalid_argument);
    BOOST_TEST(bool(small.try_acquire(request().take(only))));
    for (int i = 0; i < 3; ++i)
        (void)one.count(1);
    BOOST_CHECK_THROW((void)one.count(1), std::invalid_argument);
    BOOST_CHECK_THROW(weir::admission_limits().rate(rate::per_second(1), 0), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_pass_holds_nothing_of_another_admissions_counts)
{
    simulation s(1);
    weir::admission_limits these, those;
    const auto places = these.count(10);
    const auto bytes = those.count(10);
    admission_type all(s.a.get_executor(), these);
    pass held = all.try_acquire(request().take(places, 5));
    BOOST_TEST(held.amount(bytes) == 0U);
    BOOST_TEST(!held.try_grow(bytes, 1));
    BOOST_CHECK_THROW((void)held.split(bytes, 1), std::invalid_argument);
    BOOST_TEST(all.in_use(places) == 5U);
    BOOST_TEST(held.try_grow(places, 5));
    BOOST_TEST(held.amount(places) == 10U);
    BOOST_TEST(pass().amount(places) == 0U);
}

// A key that is copied where a move is asked for.
struct copied_key {
    explicit copied_key(int n) : number(n) {}
    copied_key(const copied_key& other) : number(other.number)
    {
        if (copies_fail)
            throw std::bad_alloc();
    }
    copied_key& operator=(const copied_key&) = delete;
    ~copied_key() = default;

    friend bool operator==(const copied_key& a, const copied_key& b) noexcept
    {
        return a.number == b.number;
    }

    static inline bool copies_fail = false;
    int number;
};
struct copied_key_hash {
    std::size_t operator()(const copied_key& key) const noexcept
    {
        return static_cast<std::size_t>(key.number);
    }
};

BOOST_AUTO_TEST_CASE(a_request_whose_key_could_not_be_kept_has_none)
{
    simulation s(1);
    weir::admission_limits limits;
    const auto places = limits.count(2);
    limits.per_key(1);
    weir::basic_admission<copied_key, copied_key_hash> all(s.a.get_executor(), limits);
    weir::admission_request<copied_key> asked;
    asked.take(places).key(copied_key(1));
    copied_key::copies_fail = true;
    BOOST_CHECK_THROW(asked.key(copied_key(2)), std::bad_alloc);
    copied_key::copies_fail = false;
    const auto got = all.try_acquire(asked);
    BOOST_TEST(bool(got));
    BOOST_TEST(got.key_amount() == 0U);
}

BOOST_AUTO_TEST_CASE(a_request_stays_as_it_is_where_an_amount_is_refused)
{
    simulation s(1);
    weir::admission_limits limits;
    const auto places = limits.count(weir::limit(5));
    limits.per_key(weir::limit(1));
    weir::admission<> a(s.a.get_executor(), limits);
    weir::admission<>::request ask;
    ask.take(places).key("a");
    BOOST_CHECK_THROW(ask.key("b", 0), std::invalid_argument);
    const auto first = a.try_acquire(ask);
    BOOST_TEST(bool(first));
    BOOST_TEST(a.in_use("a") == 1U);
    BOOST_TEST(!a.try_acquire(ask));
}

BOOST_AUTO_TEST_CASE(a_pass_holds_all_its_shares_and_gives_them_back_together)
{
    simulation s(1);
    limited l(s.a.get_executor());
    {
        const pass p = l.all->try_acquire(l.ask(1, 60, 3).key("a", 2));
        BOOST_TEST(bool(p));
        BOOST_TEST(p.amount(l.places) == 1U);
        BOOST_TEST(p.amount(l.bytes) == 60U);
        BOOST_TEST(p.key_amount() == 2U);
        BOOST_TEST(l.all->in_use(l.places) == 1U);
        BOOST_TEST(l.all->in_use(l.bytes) == 60U);
        BOOST_TEST(l.all->in_use("a") == 2U);
        BOOST_TEST(l.all->keys() == 1U);
        BOOST_TEST(l.all->available_tokens() == 1U);
        BOOST_TEST(!l.all->try_acquire(l.ask(1, 41)));   // too many bytes
        BOOST_TEST(!l.all->try_acquire(l.ask_key("a"))); // the key is full
        BOOST_TEST(!l.all->try_acquire(l.ask(1, 1, 2))); // too few tokens
        BOOST_TEST(l.all->in_use(l.places) == 1U);       // and nothing was taken
        BOOST_TEST(l.all->available_tokens() == 1U);
        BOOST_TEST(bool(l.all->try_acquire(l.ask(1, 40, 1).key("b", 2))));
    }
    BOOST_TEST(l.all->in_use(l.places) == 0U);
    BOOST_TEST(l.all->in_use(l.bytes) == 0U);
    BOOST_TEST(l.all->in_use("a") == 0U);
    BOOST_TEST(l.all->keys() == 0U);
    BOOST_TEST(l.all->available_tokens() == 0U); // spent
}

BOOST_AUTO_TEST_CASE(a_waiter_holds_nothing_and_takes_all_in_one_step)
{
    in_many_orders([](simulation& s) {
        limited l(s.a.get_executor(), 2, 100, 1);
        pass bytes = l.all->try_acquire(l.ask(0, 90));
        l.begin(1, l.ask(1, 50, 2).key("a"));
        BOOST_TEST(l.all->in_use(l.places) == 0U);
        BOOST_TEST(l.all->in_use("a") == 0U);
        BOOST_TEST(l.all->available_tokens() == 4U);
        BOOST_TEST(l.all->waiters() == 1U);
        s.world.run();
        BOOST_TEST(l.order.empty());
        bytes.release();
        BOOST_TEST(l.all->in_use(l.places) == 1U); // in the release, though it has not run yet
        BOOST_TEST(l.all->in_use(l.bytes) == 50U);
        BOOST_TEST(l.all->in_use("a") == 1U);
        BOOST_TEST(l.all->available_tokens() == 2U);
        s.run();
        BOOST_TEST(l.held.at(1).amount(l.bytes) == 50U);
    });
}

BOOST_AUTO_TEST_CASE(a_newcomer_takes_what_is_left_after_the_claims_of_earlier_waiters)
{
    simulation s(1);
    limited l(s.a.get_executor(), 3, 100);
    pass most = l.all->try_acquire(l.ask(1, 70));
    l.begin(1, l.ask(1, 50));                     // of two places it claims one
    BOOST_TEST(!l.all->try_acquire(l.ask(2, 0))); // two would leave it none
    BOOST_TEST(!l.all->try_acquire(l.ask(0, 1))); // it comes before all that want bytes
    pass place = l.all->try_acquire(l.ask(1, 0)); // but one place is left
    BOOST_TEST(bool(place));
    l.begin(2, l.ask(1, 0)); // waits for the place that the first claims
    l.begin(3, l.ask_key("a"));
    s.world.run();
    BOOST_TEST((l.order == std::vector<int>{3}));
    place.release();
    s.world.run();
    BOOST_TEST((l.order == std::vector<int>{3, 2})); // past the first, which still has its place
    most.release();
    s.run();
    BOOST_TEST((l.order == std::vector<int>{3, 2, 1}));
}

BOOST_AUTO_TEST_CASE(one_that_waits_for_a_rate_does_not_stop_those_that_want_bytes)
{
    in_many_orders([](simulation& s) {
        limited l(s.a.get_executor(), 10, 100, 2, rate(1, 1h), 1);
        pass token = l.all->try_acquire(l.ask(0, 0, 1));
        l.begin(1, l.ask(1, 10, 1)); // for an hour
        for (int i = 2; i < 8; ++i)
            l.begin(i, l.ask(1, 15));
        s.world.run_one();
        const auto all_of = [&l] { return l.order.size() == 6; };
        while (!all_of())
            BOOST_REQUIRE(s.world.run_one());
        BOOST_TEST((s.elapsed() == 0s));
        BOOST_TEST(!l.all->try_acquire(l.ask(0, 1))); // the last 10 are claimed
        BOOST_TEST(bool(l.all->try_acquire(l.ask_key("a"))));
        BOOST_TEST(l.all->in_use(l.bytes) == 90U);
        s.run();
        BOOST_TEST((s.elapsed() == 1h));
        BOOST_TEST(l.order.back() == 1);
    });
}

BOOST_AUTO_TEST_CASE(tokens_are_taken_in_the_granting_step_and_not_before)
{
    in_many_orders([](simulation& s) {
        limited l(s.a.get_executor(), 1, 100, 2, rate::per_second(1), 3);
        pass place = l.all->try_acquire(l.ask(1, 0));
        asio::cancellation_signal signal;
        l.all->async_acquire(l.ask(1, 0, 2),
                             asio::bind_cancellation_slot(signal.slot(), [](auto&&...) {}));
        BOOST_TEST(l.all->available_tokens() == 3U);
        BOOST_TEST(!l.all->try_acquire(l.ask(0, 0, 2))); // two are claimed
        BOOST_TEST(bool(l.all->try_acquire(l.ask(0, 0, 1))));
        signal.emit(asio::cancellation_type::terminal); // and owes nothing
        BOOST_TEST(bool(l.all->try_acquire(l.ask(0, 0, 2))));
        place.release();
        s.run();
        BOOST_TEST((s.elapsed() == 0s)); // no timer is left
    });
}

BOOST_AUTO_TEST_CASE(tokens_come_at_the_rate_in_the_order_of_arrival)
{
    in_many_orders([](simulation& s) {
        limited l(s.a.get_executor(), 10, 100, 2, rate::per_second(10), 3);
        std::vector<weir::duration> at;
        for (int i = 0; i < 6; ++i)
            l.all->async_acquire(l.ask(1, 1, 1), [&](weir::error_code e, const pass&) {
                BOOST_TEST(!e);
                at.push_back(s.elapsed());
            });
        BOOST_TEST(l.all->waiters() == 3U);
        s.run();
        BOOST_TEST((at == std::vector<weir::duration>{0ms, 0ms, 0ms, 100ms, 200ms, 300ms}));
    });
}

BOOST_AUTO_TEST_CASE(a_steady_demand_gets_the_rate_within_one_per_cent)
{
    simulation s(1);
    limited l(s.a.get_executor(), 3, 100, 1, rate::per_second(333), 7);
    for (int client = 0; client < 3; ++client)
        s.spawn([&, client]() -> asio::awaitable<void> {
            const request r = l.ask(1, 30, 1).key(std::to_string(client));
            for (int i = 0; i < 200; ++i)
                (void)co_await l.all->async_acquire(r, asio::use_awaitable);
        });
    s.run();
    const double seconds = std::chrono::duration<double>(s.elapsed()).count();
    const double ideal = (600 - 7) / 333.0;
    BOOST_TEST(seconds >= ideal);
    BOOST_TEST(seconds <= ideal * 1.01);
}

BOOST_AUTO_TEST_CASE(a_large_request_does_not_starve_among_small_ones)
{
    in_many_orders(
        [](simulation& s) {
            limited l(s.a.get_executor(), 10, 100, 10);
            std::optional<weir::duration> large;
            bool over = false;
            for (int client = 0; client < 10; ++client)
                s.spawn([&, client]() -> asio::awaitable<void> {
                    const request r = l.ask(1, 10 + client % 3);
                    while (!over) {
                        const pass p = co_await l.all->async_acquire(r, asio::use_awaitable);
                        const auto length = std::chrono::milliseconds(3 + client);
                        co_await weir::async_sleep_for(s.a.get_executor(), length,
                                                       asio::use_awaitable);
                    }
                });
            s.spawn([&]() -> asio::awaitable<void> {
                co_await weir::async_sleep_for(s.a.get_executor(), 50ms, asio::use_awaitable);
                const auto began = s.elapsed();
                const request r = l.ask(10, 100).key("large", 10);
                const pass p = co_await l.all->async_acquire(r, asio::use_awaitable);
                large = s.elapsed() - began;
                over = true;
            });
            s.run();
            BOOST_REQUIRE(large.has_value());
            BOOST_TEST((*large <= 24ms)); // those that had passed, and those that waited before it
        },
        20);
}

BOOST_AUTO_TEST_CASE(a_full_key_keeps_its_claims_and_others_pass_beside_them)
{
    simulation s(1);
    limited l(s.a.get_executor(), 10, 100, 1);
    for (int i = 0; i < 5; ++i)
        l.begin(i, l.ask(1, 0).key("slow"));
    l.begin(10, l.ask(1, 0).key("quick"));
    s.world.run();
    BOOST_TEST(l.order.size() == 2U);
    BOOST_TEST((l.held.contains(0) && l.held.contains(10)));
    BOOST_TEST(l.all->keys() == 2U);
    l.order.clear();
    for (int i = 0; i < 5; ++i) {
        l.held.erase(i);
        s.world.run();
    }
    BOOST_TEST((l.order == std::vector<int>{1, 2, 3, 4}));
    BOOST_TEST(l.all->keys() == 1U);
    l.held.clear();
    BOOST_TEST(l.all->keys() == 0U);
    s.run();
}

// What `admission` says of its fairness: two wait for their key, and keep their claims on places.
BOOST_AUTO_TEST_CASE(the_claims_of_a_full_key_may_take_all_places)
{
    simulation s(1);
    limited l(s.a.get_executor(), 4, 100, 2);
    for (int i = 0; i < 4; ++i)
        l.begin(i, l.ask(1, 0).key("many"));
    l.begin(10, l.ask(1, 0).key("one"));
    s.world.run();
    BOOST_TEST(l.order.size() == 2U);
    BOOST_TEST(!l.held.contains(10));
    l.held.erase(0);
    s.world.run();
    BOOST_TEST((l.held.contains(2) && l.held.contains(10)));
    l.held.clear();
    s.world.run();
    l.held.clear();
    s.run();
}

BOOST_AUTO_TEST_CASE(more_than_a_limit_is_an_error_at_once_and_takes_nothing)
{
    simulation s(1);
    limited l(s.a.get_executor());
    const std::array<request, 4> large = {l.ask(3, 1), l.ask(1, 101), l.ask(1, 1, 5),
                                          l.ask(1, 1).key("a", 3)};
    int ended = 0;
    for (const request& r : large) {
        BOOST_TEST(!l.all->try_acquire(r));
        l.all->async_acquire(r, [&](weir::error_code e, const pass& p) {
            BOOST_TEST((e == weir::errc::too_large));
            BOOST_TEST(!p);
            ++ended;
        });
    }
    BOOST_TEST(ended == 0);
    s.run();
    BOOST_TEST(ended == 4);
    BOOST_TEST(l.all->in_use(l.places) == 0U);
    BOOST_TEST(l.all->keys() == 0U);
    BOOST_TEST(l.all->available_tokens() == 4U);
    // A sum that overflows is more than any limit, too.
    const std::size_t most = ~std::size_t{0};
    BOOST_TEST(!l.all->try_acquire(request().take(l.bytes, most).take(l.bytes, 2)));
}

BOOST_AUTO_TEST_CASE(a_part_is_given_back_early)
{
    in_many_orders([](simulation& s) {
        limited l(s.a.get_executor(), 1, 100);
        pass p = l.all->try_acquire(l.ask(1, 100).key("a", 2));
        l.begin(1, l.ask(0, 30));
        pass part = p.split(l.bytes, 40);
        BOOST_TEST(p.amount(l.bytes) == 60U);
        BOOST_TEST(part.amount(l.bytes) == 40U);
        BOOST_TEST(part.amount(l.places) == 0U);
        BOOST_TEST(l.all->in_use(l.bytes) == 100U);
        BOOST_CHECK_THROW((void)p.split(l.bytes, 61), std::invalid_argument);
        BOOST_CHECK_THROW((void)p.split(l.bytes, 0), std::invalid_argument);
        BOOST_CHECK_THROW((void)pass().split(l.bytes, 1), std::invalid_argument);
        part.release();
        BOOST_TEST(!part);
        BOOST_TEST(l.all->in_use(l.bytes) == 90U); // 30 of them the waiter's
        BOOST_TEST(l.all->in_use("a") == 2U);
        pass key = p.split_key();
        BOOST_TEST(!p.split_key());
        BOOST_TEST(p.key_amount() == 0U);
        BOOST_TEST(key.key_amount() == 2U);
        p.release();
        BOOST_TEST(l.all->in_use("a") == 2U);
        key = pass();
        BOOST_TEST(l.all->keys() == 0U);
        s.run();
        BOOST_TEST(l.held.size() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(a_moved_pass_is_given_back_once)
{
    simulation s(1);
    limited l(s.a.get_executor());
    pass a = l.all->try_acquire(l.ask(1, 10).key("a")), b = l.all->try_acquire(l.ask(1, 20));
    a = std::move(b); // gives back what it held
    BOOST_TEST(l.all->in_use(l.bytes) == 20U);
    BOOST_TEST(l.all->keys() == 0U);
    BOOST_TEST(!b); // NOLINT(bugprone-use-after-move)
    pass& same = a;
    a = std::move(same);
    BOOST_TEST(a.amount(l.bytes) == 20U);
    const pass c = std::move(a);
    BOOST_TEST(c.amount(l.bytes) == 20U);
    BOOST_TEST(l.all->in_use(l.bytes) == 20U);
}

BOOST_AUTO_TEST_CASE(a_pass_grows_only_by_what_is_there_after_all_claims)
{
    simulation s(1);
    limited l(s.a.get_executor(), 1, 100);
    pass p = l.all->try_acquire(l.ask(1, 50));
    BOOST_TEST(p.try_grow(l.bytes, 10));
    BOOST_TEST(p.amount(l.bytes) == 60U);
    l.begin(1, l.ask(1, 30)); // waits for the place, and claims 30
    BOOST_TEST(!p.try_grow(l.bytes, 11));
    BOOST_TEST(p.try_grow(l.bytes, 10));
    BOOST_TEST(!p.try_grow(l.places));
    BOOST_TEST(!p.try_grow(l.bytes, 0));
    BOOST_TEST(!p.try_grow(l.bytes, ~std::size_t{0}));
    BOOST_TEST(!pass().try_grow(l.bytes));
    BOOST_TEST(l.all->in_use(l.bytes) == 70U);
    p.release();
    s.world.run();
    BOOST_TEST(l.all->in_use(l.bytes) == 30U);
    l.all->close();
    BOOST_TEST(!l.held.at(1).try_grow(l.bytes));
    s.run();
}

BOOST_AUTO_TEST_CASE(another_limit_lets_waiters_go_on_and_revokes_nothing)
{
    in_many_orders(
        [](simulation& s) {
            limited l(s.a.get_executor(), 1, 100, 1);
            for (int i = 0; i < 4; ++i)
                l.begin(i, l.ask(1, 10).key(i % 2 == 0 ? "a" : "b"));
            s.world.run();
            BOOST_TEST((l.order == std::vector<int>{0}));
            l.all->resize(l.places, 4);
            s.world.run();
            BOOST_TEST((l.order == std::vector<int>{0, 1}));
            l.all->resize_keys(weir::unlimited);
            s.world.run();
            BOOST_TEST(l.order.size() == 4U);
            l.all->resize(l.places, 2);
            BOOST_TEST(l.all->in_use(l.places) == 4U);
            BOOST_TEST((l.all->limit(l.places) == limit(2)));
            l.begin(4, l.ask(1, 0));
            l.held.erase(0);
            l.held.erase(1);
            s.world.run();
            BOOST_TEST(l.order.size() == 4U);
            l.held.erase(2);
            s.run();
            BOOST_TEST(l.order.size() == 5U);
        },
        20);
}

BOOST_AUTO_TEST_CASE(a_lowered_limit_ends_the_waiters_that_ask_for_more)
{
    in_many_orders(
        [](simulation& s) {
            limited l(s.a.get_executor(), 1, 100, 8, rate(1, 1h), 8);
            const pass place = l.all->try_acquire(l.ask(1, 0));
            std::vector<int> refused;
            const auto wait = [&](int id, const request& r) {
                l.all->async_acquire(r, [&, id](weir::error_code e, const pass& p) {
                    BOOST_TEST((e == weir::errc::too_large));
                    BOOST_TEST(!p);
                    refused.push_back(id);
                });
            };
            wait(0, l.ask(1, 60));
            wait(1, l.ask(1, 0).key("a", 5));
            wait(2, l.ask(1, 0, 6));
            l.begin(3, l.ask(1, 50, 4).key("a", 4));
            l.all->resize(l.bytes, 50);
            s.world.run_one();
            BOOST_TEST((refused == std::vector<int>{0}));
            l.all->resize_keys(4);
            s.world.run_one();
            BOOST_TEST((refused == std::vector<int>{0, 1}));
            l.all->change(rate(1, 1h), 4);
            s.world.run_one();
            BOOST_TEST((refused == std::vector<int>{0, 1, 2}));
            BOOST_TEST(l.all->waiters() == 1U);
            l.all->resize(l.places, 2);
            s.run();
            BOOST_TEST(l.held.size() == 1U);
        },
        20);
}

BOOST_AUTO_TEST_CASE(a_paused_limit_lets_nothing_pass_and_none_is_too_large_for_it)
{
    simulation s(1);
    limited l(s.a.get_executor(), weir::paused, weir::unlimited, weir::paused);
    BOOST_TEST(!l.all->try_acquire(l.ask(1, 0)));
    BOOST_TEST(!l.all->try_acquire(l.ask_key("a")));
    BOOST_TEST(bool(l.all->try_acquire(l.ask(0, 1'000'000'000))));
    l.begin(0, l.ask(5, 0));
    l.begin(1, l.ask_key("a", 9));
    s.world.run();
    BOOST_TEST(l.all->waiters() == 2U);
    BOOST_TEST(l.all->keys() == 1U);
    l.all->resize(l.places, 5);
    l.all->resize_keys(9);
    s.run();
    BOOST_TEST(l.order.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_lowered_limit_takes_back_claims_in_their_order)
{
    simulation s(1);
    limited l(s.a.get_executor(), 1, 100);
    pass place = l.all->try_acquire(l.ask(1, 0));
    l.begin(1, l.ask(1, 40)); // both claim bytes, and wait for the place
    l.begin(2, l.ask(1, 40));
    l.all->resize(l.bytes, 50);
    BOOST_TEST(!l.all->try_acquire(l.ask(0, 20))); // the second comes before
    pass small = l.all->try_acquire(l.ask_key("a"));
    place.release();
    s.world.run();
    BOOST_TEST((l.order == std::vector<int>{1}));
    l.held.at(1).split(l.places, 1).release();
    s.world.run();
    BOOST_TEST((l.order == std::vector<int>{1})); // there are 10 bytes
    l.held.clear();
    s.run();
    BOOST_TEST((l.order == std::vector<int>{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_new_rate_reaches_those_that_wait)
{
    simulation s(1);
    limited l(s.a.get_executor(), 9, 9, 1, rate(1, 1h), 2);
    BOOST_TEST(bool(l.all->try_acquire(l.ask(0, 0, 2))));
    std::vector<weir::duration> at;
    for (int i = 0; i < 2; ++i)
        l.all->async_acquire(l.ask(1, 0, 1), [&](weir::error_code e, const pass&) {
            BOOST_TEST(!e);
            at.push_back(s.elapsed());
        });
    l.all->change(rate::per_second(10), 2);
    s.run();
    BOOST_TEST((at == std::vector<weir::duration>{100ms, 200ms}));
}

BOOST_AUTO_TEST_CASE(a_deadline_ends_the_wait_and_takes_nothing)
{
    for_each_wait([](auto start) {
        in_many_orders(
            [&](simulation& s) {
                auto t = start(s.a.get_executor());
                std::optional<weir::duration> late;
                t.all->async_acquire_until(s.world.now() + 2s, t.own_request(),
                                           [&](weir::error_code e, const pass& p) {
                                               BOOST_TEST((e == weir::errc::timed_out));
                                               BOOST_TEST(!p);
                                               late = s.elapsed();
                                           });
                s.run();
                BOOST_TEST((late == 2s));
                BOOST_TEST(t.all->waiters() == 0U);
                BOOST_TEST(t.all->in_use(t.bytes) == 10U);
            },
            20);
    });
}

BOOST_AUTO_TEST_CASE(a_deadline_that_has_passed_ends_only_what_would_wait)
{
    simulation s(1);
    limited l(s.a.get_executor(), 1);
    std::optional<weir::error_code> first, second;
    pass held;
    const auto past = s.world.now() - 1s;
    l.all->async_acquire_until(past, l.ask(1, 0), [&](weir::error_code e, pass p) {
        first = e;
        held = std::move(p);
    });
    l.all->async_acquire_until(past, l.ask(1, 0),
                               [&](weir::error_code e, const pass&) { second = e; });
    s.run();
    BOOST_TEST((first == weir::error_code()));
    BOOST_TEST((second == weir::errc::timed_out));
}

BOOST_AUTO_TEST_CASE(the_claims_of_one_that_leaves_go_to_those_behind_it)
{
    for (const bool by_deadline : {false, true})
        in_many_orders(
            [&](simulation& s) {
                limited l(s.a.get_executor(), 1, 100);
                const pass place = l.all->try_acquire(l.ask(1, 0));
                asio::cancellation_signal signal;
                const auto until = by_deadline ? s.world.now() + 1s : weir::time_point::max();
                l.all->async_acquire_until(
                    until, l.ask(1, 80).key("a", 2),
                    asio::bind_cancellation_slot(signal.slot(), [](auto&&...) {}));
                l.begin(1, l.ask(0, 40));
                l.begin(2, l.ask_key("a"));
                elapse(s, 500ms);
                BOOST_TEST(l.order.empty());
                if (!by_deadline)
                    signal.emit(asio::cancellation_type::partial);
                s.run();
                BOOST_TEST(l.order.size() == 2U);
            },
            20);
}

BOOST_AUTO_TEST_CASE(close_ends_every_wait_and_passes_stay_valid)
{
    for_each_wait([](auto start) {
        in_many_orders(
            [&](simulation& s) {
                auto t = start(s.a.get_executor());
                int closed = 0;
                const auto count = [&](weir::error_code e, const pass& p) {
                    closed += e == weir::errc::closed ? 1 : 0;
                    BOOST_TEST(!p);
                };
                for (int i = 0; i < 100; ++i)
                    t.begin(count);
                t.all->close();
                BOOST_TEST(t.all->is_closed());
                BOOST_TEST(t.all->waiters() == 0U);
                t.begin(count);
                BOOST_TEST(!t.all->try_acquire(t.ask(0, 1)));
                BOOST_TEST(t.all->in_use(t.bytes) == 10U);
                t.all.reset();
                s.run();
                BOOST_TEST(closed == 101);
                BOOST_TEST((s.elapsed() == 0s)); // no timer is left
                BOOST_TEST(t.blocker.amount(t.bytes) == 10U);
                t.blocker.release();
            },
            10);
    });
}

BOOST_AUTO_TEST_CASE(destroying_it_is_closing_it)
{
    for_each_wait([](auto start) {
        in_many_orders(
            [&](simulation& s) {
                auto t = start(s.a.get_executor());
                std::optional<weir::error_code> got;
                t.begin([&](weir::error_code e, const pass&) { got = e; });
                t.all.reset();
                s.run();
                BOOST_REQUIRE(got.has_value());
                BOOST_TEST((*got == weir::errc::closed));
            },
            10);
    });
}

BOOST_AUTO_TEST_CASE(it_may_be_destroyed_in_a_handler)
{
    for_each_wait([](auto start) {
        in_many_orders(
            [&](simulation& s) {
                auto t = start(s.a.get_executor());
                std::vector<weir::error_code> ended;
                for (int i = 0; i < 3; ++i)
                    t.begin([&](weir::error_code e, const pass&) {
                        t.all.reset();
                        ended.push_back(e);
                    });
                t.finish();
                s.run();
                BOOST_TEST(ended.size() == 3U);
                BOOST_TEST(!ended.at(0));
                BOOST_TEST((ended.at(2) == weir::errc::closed));
            },
            10);
    });
}

BOOST_AUTO_TEST_CASE(its_context_going_first_closes_it)
{
    for_each_wait([](auto start) {
        weir::sim::world w(1);
        auto a = std::make_unique<weir::sim::context>(w);
        weir::sim::context b(w);
        auto t = start(a->get_executor());
        std::optional<weir::error_code> waiting, late;
        t.begin(asio::bind_executor(b.get_executor(),
                                    [&](weir::error_code e, const pass&) { waiting = e; }));
        a.reset();
        BOOST_TEST(t.all->is_closed());
        BOOST_TEST(!t.all->try_acquire(t.ask(0, 1)));
        BOOST_TEST(t.all->available_tokens() <= 1U); // of no clock, but no crash
        t.all->change(rate::per_second(5), 2);
        t.all->resize(t.places, 7);
        t.all->resize_keys(7);
        t.begin(asio::bind_executor(b.get_executor(),
                                    [&](weir::error_code e, const pass&) { late = e; }));
        t.blocker.release();
        w.run();
        BOOST_TEST((waiting == weir::errc::closed));
        BOOST_TEST((late == weir::errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(the_bare_executor_of_an_io_context_that_goes_first_closes_it_too)
{
    auto a = std::make_unique<asio::io_context>(1);
    asio::io_context b(1);
    weir::admission_limits limits;
    const auto places = limits.count(1);
    weir::basic_admission<int, std::hash<int>, asio::io_context::executor_type> all(
        a->get_executor(), limits);
    auto out = all.try_acquire(weir::admission_request<int>().take(places));
    int closed = 0;
    all.async_acquire(weir::admission_request<int>().take(places),
                      asio::bind_executor(b, [&](weir::error_code e, const auto&) {
                          closed += e == weir::errc::closed ? 1 : 0;
                      }));
    a.reset();
    b.run();
    BOOST_TEST(closed == 1);
    out.release();
}

BOOST_AUTO_TEST_CASE(passes_may_outlive_the_admission_and_its_context)
{
    pass kept, part;
    {
        asio::io_context io;
        limited l(io.get_executor());
        kept = l.all->try_acquire(l.ask(2, 50, 1).key("a"));
        part = kept.split(l.bytes, 20);
    }
    BOOST_TEST(bool(kept));
    part.release();
    kept.release();
}

BOOST_AUTO_TEST_CASE(a_pass_whose_receiver_is_gone_goes_to_the_next_but_its_tokens_are_spent)
{
    simulation s(1);
    limited l(s.a.get_executor(), 1, 100, 1, rate::per_second(1), 2);
    pass first = l.all->try_acquire(l.ask(1, 0));
    auto away = std::make_unique<weir::sim::context>(s.world);
    l.all->async_acquire(l.ask(1, 90, 2).key("a"),
                         asio::bind_executor(away->get_executor(), [](auto&&...) {}));
    std::optional<weir::duration> at;
    l.all->async_acquire(l.ask(1, 90, 1).key("a"), [&](weir::error_code e, const pass&) {
        BOOST_TEST(!e);
        at = s.elapsed();
    });
    first.release(); // to the first waiter, whose wake-up is under way
    BOOST_TEST(l.all->in_use(l.places) == 1U);
    away.reset();
    s.run();
    BOOST_TEST((at == 1s));
    BOOST_TEST(l.all->in_use(l.places) == 0U);
    BOOST_TEST(l.all->keys() == 0U);
}

BOOST_AUTO_TEST_CASE(a_waiter_whose_context_is_destroyed_lets_those_behind_it_pass)
{
    simulation s(1);
    limited l(s.a.get_executor(), 1, 100);
    pass first = l.all->try_acquire(l.ask(1, 0));
    auto away = std::make_unique<weir::sim::context>(s.world);
    l.all->async_acquire(l.ask(1, 90), asio::bind_executor(away->get_executor(), [](auto&&...) {}));
    l.begin(1, l.ask(0, 20));
    s.world.run();
    BOOST_TEST(l.order.empty());
    away.reset();
    s.run();
    BOOST_TEST(l.order.size() == 1U);
}

// The handler runs in its own context, and not inside the release.
BOOST_AUTO_TEST_CASE(a_pass_may_be_released_in_another_context)
{
    for_each_wait([](auto start) {
        in_many_orders(
            [&](simulation& s) {
                auto t = start(s.a.get_executor());
                int granted = 0;
                bool inside = false;
                t.begin([&](weir::error_code e, const pass&) {
                    BOOST_TEST(!e);
                    BOOST_TEST(!inside);
                    BOOST_TEST(s.world.running() == &s.a);
                    ++granted;
                });
                s.b.at_some_step([&] {
                    inside = true;
                    t.finish();
                    inside = false;
                });
                s.run();
                BOOST_TEST(granted == 1);
            },
            20);
    });
}

BOOST_AUTO_TEST_CASE(waiters_for_tokens_whose_timer_cannot_be_set_end_with_the_error)
{
    const weir::error_code too_many_files(EMFILE, asio::error::get_system_category());
    hand_clock clock;
    limited l(clock.executor(), 1, 100, 1, rate::per_second(1), 1);
    pass place = l.all->try_acquire(l.ask(1, 0, 1));
    std::optional<weir::error_code> for_token, for_place;
    l.all->async_acquire(l.ask(1, 0), [&](weir::error_code e, const pass&) { for_place = e; });
    clock.fail_next(1);
    l.all->async_acquire(l.ask(0, 1, 1), [&](weir::error_code e, const pass&) { for_token = e; });
    clock.context().poll();
    BOOST_TEST((for_token == too_many_files));
    BOOST_TEST(!for_place.has_value()); // it needs no timer
    place.release();
    clock.context().restart();
    clock.context().poll();
    BOOST_TEST((for_place == weir::error_code()));
    // It works again when the clock does.
    for_token.reset();
    l.all->async_acquire(l.ask(0, 1, 1), [&](weir::error_code e, const pass&) { for_token = e; });
    clock.advance_to(weir::time_point{} + 1s);
    clock.context().restart();
    clock.context().poll();
    BOOST_TEST((for_token == weir::error_code()));
}

BOOST_AUTO_TEST_CASE(without_a_rate_no_timer_is_set)
{
    hand_clock clock;
    weir::admission_limits limits;
    const auto places = limits.count(1);
    admission_type all(clock.executor(), limits);
    pass held = all.try_acquire(request().take(places));
    bool granted = false;
    all.async_acquire(request().take(places),
                      [&](weir::error_code e, const pass&) { granted = !e; });
    clock.context().poll();
    BOOST_TEST(!clock.is_set());
    held.release();
    clock.context().restart();
    clock.context().poll();
    BOOST_TEST(granted);
}

BOOST_AUTO_TEST_CASE(all_waiters_share_one_timer_which_goes_with_the_last)
{
    hand_clock clock;
    limited l(clock.executor(), 100, 100, 1, rate(1, 1h), 1);
    BOOST_TEST(bool(l.all->try_acquire(l.ask(0, 0, 1))));
    std::vector<asio::cancellation_signal> signals(50);
    int aborted = 0;
    for (auto& each : signals)
        l.all->async_acquire(
            l.ask(1, 1, 1),
            asio::bind_cancellation_slot(each.slot(), [&](weir::error_code e, const pass&) {
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

BOOST_AUTO_TEST_CASE(a_key_that_cannot_be_copied_throws_or_ends_the_wait)
{
    using request = weir::admission_request<moody>;
    for (int failing = 0; failing < 16; ++failing) {
        simulation s(1);
        weir::admission_limits limits;
        const auto places = limits.count(3);
        weir::admission<moody> all(s.a.get_executor(), limits.per_key(1));
        const request last = request().take(places).key(moody(5));
        moody::copies = 0;
        moody::failing = failing;
        int begun = 0, ended = 0;
        for (int i = 0; i < 4; ++i)
            try {
                const request r = request().take(places).key(moody(i / 2));
                all.async_acquire(r, [&](weir::error_code e, const auto& p) {
                    BOOST_TEST((!e || e == asio::error::no_memory));
                    BOOST_TEST(bool(p) == !e);
                    ++ended;
                });
                ++begun;
            } catch (const std::bad_alloc&) {
            }
        try {
            const auto p = all.try_acquire(last);
        } catch (const std::bad_alloc&) {
        }
        s.run();
        moody::failing = -1;
        BOOST_TEST(begun == ended);
        BOOST_TEST(all.waiters() == 0U);
        BOOST_TEST(all.keys() == 0U);
        BOOST_TEST(all.in_use(places) == 0U);
        BOOST_TEST(bool(all.try_acquire(last)));
    }
}

BOOST_AUTO_TEST_CASE(any_kind_of_handler_will_do)
{
    simulation s(1);
    limited l(s.a.get_executor(), 1);
    int calls = 0;
    asio::any_completion_handler<void(weir::error_code, pass)> erased =
        [&](weir::error_code e, const pass& p) { calls += !e && p ? 1 : 0; };
    l.all->async_acquire(l.ask(1, 0), std::move(erased));
    s.spawn([&]() -> asio::awaitable<void> {
        const request r = l.ask(1, 1, 1).key("a");
        const pass first = co_await l.all->async_acquire(r);
        calls += first ? 1 : 0;
    });
    s.spawn([&]() -> asio::awaitable<void> {
        const request r = l.ask(1, 1);
        const auto got = co_await l.all->async_acquire(r, asio::as_tuple(asio::use_awaitable));
        calls += std::get<1>(got) ? 1 : 0;
    });
    s.run();
    BOOST_TEST(calls == 3);
}

struct totals {
    std::size_t places = 0, bytes = 0, tokens = 0;
    std::map<std::string, std::size_t> keys;
};

asio::awaitable<void> hold_and_release(limited& l, const request r, const totals own, simulation& s,
                                       weir::sim::context& where, totals& all)
{
    const auto got = co_await l.all->async_acquire_until(s.world.now() + 30ms, r,
                                                         asio::as_tuple(asio::use_awaitable));
    if (std::get<0>(got))
        co_return;
    all.places += own.places;
    all.bytes += own.bytes;
    all.tokens += own.tokens;
    for (const auto& [key, amount] : own.keys)
        BOOST_REQUIRE((all.keys[key] += amount) <= 2U);
    BOOST_REQUIRE(all.places <= 3U);
    BOOST_REQUIRE(all.bytes <= 20U);
    BOOST_REQUIRE(all.tokens <= 4U + std::size_t(s.elapsed() / 1ms));
    co_await weir::async_sleep_for(where.get_executor(), 3ms, asio::use_awaitable);
    all.places -= own.places;
    all.bytes -= own.bytes;
    for (const auto& [key, amount] : own.keys)
        all.keys[key] -= amount;
}

BOOST_AUTO_TEST_CASE(random_work_never_exceeds_a_limit_and_loses_nothing)
{
    in_many_orders([](simulation& s) {
        std::mt19937 random(7);
        limited l(s.a.get_executor(), 3, 20, 2, rate::per_second(1'000), 4);
        totals all;
        for (int i = 0; i < 40; ++i) {
            totals own;
            own.places = random() % 3;
            own.bytes = random() % 15;
            own.tokens = random() % 3;
            request r = l.ask(own.places, own.bytes, own.tokens);
            if (random() % 2 == 0 || own.places + own.bytes + own.tokens == 0) {
                const std::string key(1, "abc"[random() % 3]);
                own.keys[key] = 1 + random() % 2;
                r.key(key, own.keys[key]);
            }
            auto& where = i % 2 == 0 ? s.a : s.b;
            s.spawn(where, [&, r, own]() -> asio::awaitable<void> {
                co_await hold_and_release(l, r, own, s, where, all);
            });
        }
        s.run();
        BOOST_TEST(all.places + all.bytes == 0U);
        BOOST_TEST(l.all->waiters() == 0U);
        BOOST_TEST(l.all->in_use(l.places) == 0U);
        BOOST_TEST(l.all->in_use(l.bytes) == 0U);
        BOOST_TEST(l.all->keys() == 0U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
