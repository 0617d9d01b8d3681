#include <weir/policy/keyed_semaphore.hpp>
#include <weir/policy/schedule.hpp>

#include <weir/time/sleep.hpp>

#include "support/simulation.hpp"
#include "support/waiting.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::hold_result;
using weir::test::in_many_orders;
using weir::test::simulation;
using semaphore = weir::keyed_semaphore<std::string>;
using permit = weir::keyed_permit<std::string>;

BOOST_AUTO_TEST_SUITE(keyed_semaphore)

// A semaphore of which the permit of one key is out; with a wide limit, or without.
template <bool Wide>
struct taken {
    explicit taken(asio::any_io_executor executor)
        : semaphore(Wide ? std::make_unique<::semaphore>(executor, 1, 8)
                         : std::make_unique<::semaphore>(executor, 1)),
          permit(semaphore->try_acquire("a"))
    {
    }
    template <class Handler>
    void begin(Handler handler)
    {
        semaphore->async_acquire("a", std::move(handler));
    }

    std::unique_ptr<::semaphore> semaphore;
    ::permit permit;
};

// Another key's permit fills the wide limit.
struct taken_by_others {
    explicit taken_by_others(asio::any_io_executor executor)
        : semaphore(std::make_unique<::semaphore>(executor, 1, 1)),
          permit(semaphore->try_acquire("b"))
    {
    }
    template <class Handler>
    void begin(Handler handler)
    {
        semaphore->async_acquire("a", std::move(handler));
    }

    std::unique_ptr<::semaphore> semaphore;
    ::permit permit;
};

// The key is held.
struct held {
    explicit held(asio::any_io_executor executor)
        : semaphore(std::make_unique<::semaphore>(executor, weir::key_options(1).max_hold(9h)))
    {
        BOOST_TEST((semaphore->hold("a", weir::now(executor) + 8h) == hold_result::held));
    }
    template <class Handler>
    void begin(Handler handler)
    {
        semaphore->async_acquire("a", std::move(handler));
    }

    std::unique_ptr<::semaphore> semaphore;
};

// Runs what happens in this time.
void pass(simulation& s, weir::duration length)
{
    bool over = false;
    weir::async_sleep_for(s.a.get_executor(), length, [&](weir::error_code) { over = true; });
    while (!over)
        BOOST_REQUIRE(s.world.run_one());
}

// One that `start` made already.
struct made {
    template <class Handler>
    void begin(Handler handler)
    {
        semaphore->async_acquire("a", std::move(handler));
    }
    std::unique_ptr<::semaphore> semaphore;
};

template <class Held>
Held make(asio::any_io_executor executor)
{
    return Held(executor);
}
const auto finish = [](auto& t) { t.permit.release(); };

BOOST_AUTO_TEST_CASE(a_grant_completes_on_the_handlers_executor)
{
    weir::test::completes_on_the_handlers_executor(make<taken<false>>, finish);
    weir::test::completes_on_the_handlers_executor(make<taken<true>>, finish);
    weir::test::completes_on_the_handlers_executor(make<taken_by_others>, finish);
}

BOOST_AUTO_TEST_CASE(an_acquire_frees_its_memory_before_its_handler_runs)
{
    weir::test::frees_its_memory_before_its_handler_runs(make<taken<false>>, finish);
    weir::test::frees_its_memory_before_its_handler_runs(make<taken<true>>, finish);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_takes_no_permit)
{
    const auto check = [](weir::error_code error, const permit& p) {
        BOOST_TEST(error == asio::error::operation_aborted);
        BOOST_TEST(!p);
    };
    weir::test::ends_when_cancelled(make<taken<false>>, check);
    weir::test::ends_when_cancelled(make<taken_by_others>, check);
}

BOOST_AUTO_TEST_CASE(a_granted_permit_is_delivered_though_cancelled_afterwards)
{
    in_many_orders([](simulation& s) {
        taken<true> t(s.a.get_executor());
        asio::cancellation_signal signal;
        bool granted = false;
        t.begin(asio::bind_cancellation_slot(
            signal.slot(), [&](weir::error_code e, permit p) { granted = !e && p; }));
        t.permit.release();
        signal.emit(asio::cancellation_type::terminal);
        s.run();
        BOOST_TEST(granted);
    });
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean)
{
    weir::test::any_order_of_destruction_is_clean(make<taken<false>>);
    weir::test::any_order_of_destruction_is_clean(make<taken<true>>);
    weir::test::any_order_of_destruction_is_clean(make<taken_by_others>);
}

BOOST_AUTO_TEST_CASE(any_order_of_destruction_is_clean_while_the_timer_is_set)
{
    weir::test::any_order_of_destruction_is_clean([](asio::any_io_executor executor) {
        auto semaphore = std::make_unique<::semaphore>(executor, 1);
        (void)semaphore->hold("a", weir::now(executor) + 1min);
        return made{std::move(semaphore)};
    });
}

BOOST_AUTO_TEST_CASE(limits_and_weights_out_of_range_are_refused)
{
    simulation s(1);
    const auto executor = s.a.get_executor();
    BOOST_CHECK_THROW(semaphore(executor, 0), std::invalid_argument);
    BOOST_CHECK_THROW(semaphore(executor, weir::paused), std::invalid_argument);
    semaphore all(executor, weir::unlimited);
    BOOST_CHECK_THROW((void)all.try_acquire("a", 0), std::invalid_argument);
    BOOST_CHECK_THROW((void)all.override_key("a", 1, 0), std::invalid_argument);
    BOOST_CHECK_THROW(all.resize_wide(1), std::logic_error);
    BOOST_TEST(all.wide_limit().is_unlimited());
    BOOST_TEST(bool(all.try_acquire("a", 1'000'000)));
    semaphore none(executor, 1, weir::paused);
    BOOST_TEST(!none.try_acquire("a"));
    BOOST_TEST(none.keys() == 0U);
}

BOOST_AUTO_TEST_CASE(a_key_at_its_limit_does_not_hold_back_other_keys)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        auto all = wide ? std::make_unique<semaphore>(s.a.get_executor(), 2, 100)
                        : std::make_unique<semaphore>(s.a.get_executor(), 2);
        std::vector<permit> slow;
        for (int i = 0; i < 5; ++i)
            all->async_acquire("slow",
                               [&](weir::error_code, permit p) { slow.push_back(std::move(p)); });
        bool quick = false;
        all->async_acquire("quick", [&](weir::error_code error, const permit& p) {
            quick = !error;
            BOOST_TEST(p.key() == "quick");
        });
        s.world.run();
        BOOST_TEST(quick);
        BOOST_TEST(slow.size() == 2U);
        BOOST_TEST(all->in_use("slow") == 2U);
        BOOST_TEST(all->waiters("slow") == 3U);
        BOOST_TEST(all->waiters() == 3U);
        BOOST_TEST(all->keys() == 1U);
        BOOST_TEST(!all->try_acquire("slow"));
        BOOST_TEST(bool(all->try_acquire("quick")));
        while (!slow.empty()) {
            slow.erase(slow.begin());
            s.world.run();
        }
        BOOST_TEST(all->in_use() == 0U);
        BOOST_TEST(all->keys() == 0U);
        s.run();
    }
}

BOOST_AUTO_TEST_CASE(what_waits_for_its_key_takes_no_wide_place)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 1, 2);
    const permit first = all.try_acquire("a");
    std::optional<permit> second;
    all.async_acquire("a", [&](weir::error_code, permit p) { second = std::move(p); });
    BOOST_TEST(all.waiters() == 1U);
    const permit other = all.try_acquire("b"); // the waiter of `a` could not use it
    BOOST_TEST(bool(other));
    BOOST_TEST(!all.try_acquire("c"));
    s.world.run();
    BOOST_TEST(!second.has_value());
}

// Who gets a place of the only one, in which order.
std::string order_of(simulation& s, semaphore& all, const std::vector<std::string>& keys,
                     std::size_t weight = 1)
{
    std::string order;
    permit first = all.try_acquire("first", all.wide_limit().count());
    BOOST_TEST(bool(first));
    for (const std::string& key : keys)
        all.async_acquire(key, weight, [&order, key](weir::error_code error, const permit&) {
            BOOST_TEST(!error);
            order += key;
        });
    first.release();
    s.run();
    return order;
}

BOOST_AUTO_TEST_CASE(keys_take_turns_for_the_wide_limit)
{
    in_many_orders([](simulation& s) {
        semaphore all(s.a.get_executor(), 5, 1);
        BOOST_TEST(order_of(s, all, {"a", "a", "a", "a", "b", "b", "c"}) == "abcabaa");
    });
}

BOOST_AUTO_TEST_CASE(an_overridden_key_has_more_turns)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 5, 1);
    BOOST_TEST(all.override_key("b", 5, 2));
    BOOST_TEST(order_of(s, all, {"a", "a", "a", "b", "b", "b", "b"}) == "abbabba");
    all.reset_key("b");
    BOOST_TEST(order_of(s, all, {"a", "a", "b", "b"}) == "abab");
    BOOST_TEST(all.keys() == 0U);
}

BOOST_AUTO_TEST_CASE(a_newcomer_overtakes_none_that_waits_for_the_wide_limit)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 4, 4);
    permit most = all.try_acquire("a", 3);
    bool heavy = false;
    all.async_acquire("b", 2, [&](weir::error_code, const permit&) { heavy = true; });
    BOOST_TEST(!all.try_acquire("c")); // there is room for one
    s.world.run();
    BOOST_TEST(!heavy);
    most.release();
    BOOST_TEST(!all.try_acquire("c", 3)); // it was given to `b` in the release
    s.run();
    BOOST_TEST(heavy);
}

BOOST_AUTO_TEST_CASE(weights_count_in_both_limits)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 4, 6);
    permit a = all.try_acquire("a", 4);
    BOOST_TEST(a.weight() == 4U);
    BOOST_TEST(!all.try_acquire("b", 3));
    permit b = all.try_acquire("b", 2);
    BOOST_TEST(all.in_use() == 6U);
    weir::error_code narrow, wide;
    all.async_acquire("a", 5, [&](weir::error_code e, const permit&) { narrow = e; });
    all.resize(100);
    all.async_acquire("a", 7, [&](weir::error_code e, const permit&) { wide = e; });
    s.run();
    BOOST_TEST((narrow == weir::errc::too_large));
    BOOST_TEST((wide == weir::errc::too_large));
    a = std::move(b); // gives back what it held
    BOOST_TEST(all.in_use() == 2U);
    BOOST_TEST(a.key() == "b");
}

BOOST_AUTO_TEST_CASE(a_lowered_limit_ends_the_waiters_that_ask_for_more)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        semaphore all(s.a.get_executor(), 8, 8);
        const permit a = all.try_acquire("a", 8);
        std::vector<weir::error_code> errors;
        for (const std::size_t weight : {2U, 5U, 3U})
            all.async_acquire("a", weight,
                              [&](weir::error_code e, const permit&) { errors.push_back(e); });
        if (wide)
            all.resize_wide(4);
        else
            all.resize(4);
        s.world.run();
        BOOST_TEST(errors.size() == 1U);
        BOOST_TEST((errors.at(0) == weir::errc::too_large));
        BOOST_TEST(all.waiters() == 2U);
        BOOST_TEST(all.override_key("a", 2));
        s.world.run();
        BOOST_TEST(errors.size() == 2U);
        BOOST_TEST(all.waiters() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(another_limit_lets_waiters_go_on)
{
    simulation s(1);
    for (const bool wide : {false, true}) {
        auto all = wide ? std::make_unique<semaphore>(s.a.get_executor(), 1, 100)
                        : std::make_unique<semaphore>(s.a.get_executor(), 1);
        std::vector<permit> out;
        for (int i = 0; i < 300; ++i)
            all->async_acquire(std::to_string(i % 100), [&](weir::error_code error, permit p) {
                BOOST_TEST(!error);
                out.push_back(std::move(p));
            });
        s.world.run();
        BOOST_TEST(out.size() == 100U);
        all->resize(2);
        s.world.run();
        BOOST_TEST(out.size() == (wide ? 100U : 200U));
        if (wide)
            all->resize_wide(weir::unlimited);
        s.world.run();
        BOOST_TEST(out.size() == 200U);
        all->resize(weir::paused);
        out.clear();
        s.world.run();
        BOOST_TEST(out.empty());
        all->resize(1);
        s.world.run();
        BOOST_TEST(out.size() == 100U);
        out.clear();
        BOOST_TEST(all->in_use() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(when_the_head_is_cancelled_those_behind_it_are_looked_at)
{
    for (const bool same_key : {true, false})
        in_many_orders([same_key](simulation& s) {
            semaphore all(s.a.get_executor(), 2, 2);
            const permit one = all.try_acquire("a");
            asio::cancellation_signal signal;
            bool granted = false;
            all.async_acquire("a", 2,
                              asio::bind_cancellation_slot(signal.slot(), [](auto&&...) {}));
            all.async_acquire(same_key ? "a" : "b",
                              [&](weir::error_code error, const permit&) { granted = !error; });
            s.world.run();
            BOOST_TEST(granted == !same_key); // `a` waits for itself, and so not for the wide limit
            signal.emit(asio::cancellation_type::terminal);
            s.run();
            BOOST_TEST(granted);
        });
}

BOOST_AUTO_TEST_CASE(a_deadline_ends_the_wait_whatever_it_waits_for)
{
    in_many_orders([](simulation& s) {
        taken<false> narrow(s.a.get_executor());
        taken_by_others wide(s.a.get_executor());
        held h(s.a.get_executor());
        int ended = 0;
        for (semaphore* all : {narrow.semaphore.get(), wide.semaphore.get(), h.semaphore.get()})
            all->async_acquire_until(s.world.now() + 3s, "a",
                                     [&](weir::error_code error, const permit& p) {
                                         BOOST_TEST((error == weir::errc::timed_out));
                                         BOOST_TEST(!p);
                                         BOOST_TEST((s.elapsed() == 3s));
                                         ++ended;
                                     });
        s.run();
        BOOST_TEST(ended == 3);
        BOOST_TEST((s.elapsed() == 3s)); // nothing waits for the hold any more
        BOOST_TEST(h.semaphore->waiters() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(close_ends_every_wait_and_permits_stay_valid)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        auto all = wide ? std::make_unique<semaphore>(s.a.get_executor(), 1, 2)
                        : std::make_unique<semaphore>(s.a.get_executor(), 1);
        permit out = all->try_acquire("key 7");
        (void)all->hold("key 8", s.world.now() + 5s);
        int ended = 0;
        const auto count = [&](weir::error_code error, const permit& p) {
            ended += error == weir::errc::closed;
            BOOST_TEST(!p);
        };
        for (int i = 0; i < 200; ++i) {
            all->async_acquire("key 7", count);
            all->async_acquire("key 8", count);
        }
        all->close();
        BOOST_TEST(all->is_closed());
        s.run();
        BOOST_TEST((s.elapsed() == 0s));
        BOOST_TEST(ended == 400);
        BOOST_TEST(!all->try_acquire("b"));
        all->async_acquire("b", count);
        s.run();
        BOOST_TEST(ended == 401);
        all.reset();
        BOOST_TEST(out.key() == "key 7");
        out.release();
    }
}

BOOST_AUTO_TEST_CASE(permits_may_outlive_their_semaphore_and_its_context)
{
    for (const bool wide : {false, true}) {
        std::vector<permit> out;
        {
            asio::io_context io;
            auto all = wide ? std::make_unique<semaphore>(io.get_executor(), 9, 99)
                            : std::make_unique<semaphore>(io.get_executor(), 9);
            (void)all->override_key("3", 4);
            for (int i = 0; i < 40; ++i)
                out.push_back(all->try_acquire(std::to_string(i % 10)));
        }
        while (!out.empty())
            out.pop_back();
    }
}

BOOST_AUTO_TEST_CASE(a_semaphore_whose_context_is_gone_is_closed)
{
    auto io = std::make_unique<asio::io_context>();
    semaphore all(io->get_executor(), 1);
    (void)all.hold("a", weir::now(io->get_executor()) + 1min);
    bool called = false;
    all.async_acquire("a", [&](auto&&...) { called = true; });
    io.reset();
    BOOST_TEST(!called);
    BOOST_TEST(all.is_closed());
    BOOST_TEST(all.waiters() == 0U);
    BOOST_TEST((all.hold("b", weir::time_point::max()) != hold_result::held)); // and no harm done
    all.resume("b");
}

BOOST_AUTO_TEST_CASE(a_grant_whose_receiver_is_gone_goes_to_the_next)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 1, 1);
    permit first = all.try_acquire("a");
    auto away = std::make_unique<weir::sim::context>(s.world);
    all.async_acquire("a", asio::bind_executor(away->get_executor(), [](auto&&...) {}));
    bool granted = false;
    all.async_acquire("b", [&](weir::error_code error, const permit&) { granted = !error; });
    first.release(); // to the first waiter, whose wake-up is under way
    away.reset();
    s.run();
    BOOST_TEST(granted);
    BOOST_TEST(all.in_use() == 0U);
}

// All keys are in one shard.
struct same_hash {
    std::size_t operator()(const std::string&) const noexcept { return 0; }
};

// Waiters of a key that was held for five seconds, and what they got, in their order.
struct after_a_hold {
    explicit after_a_hold(simulation& sim, std::size_t waiters = 3)
        : s(sim), all(sim.a.get_executor(), 10, 10)
    {
        BOOST_TEST((all.hold("a", s.world.now() + 5s) == hold_result::held));
        for (std::size_t i = 0; i < waiters; ++i)
            acquire();
    }
    void acquire()
    {
        all.async_acquire("a", [this](weir::error_code error, permit p) {
            BOOST_TEST(!error);
            out.push_back(std::move(p));
        });
    }

    simulation& s;
    semaphore all;
    std::vector<permit> out;
};

BOOST_AUTO_TEST_CASE(a_hold_ends_by_itself_and_one_probe_goes_first)
{
    in_many_orders([](simulation& s) {
        after_a_hold h(s);
        BOOST_TEST(!h.all.try_acquire("a"));
        BOOST_TEST(bool(h.all.try_acquire("b")));
        s.world.run();
        BOOST_TEST((s.elapsed() == 5s));
        BOOST_TEST(h.out.size() == 1U);
        BOOST_TEST(h.out[0].is_probe());
        BOOST_TEST(!h.all.try_acquire("a"));
        h.out[0].release();
        s.run();
        BOOST_TEST((s.elapsed() == 5s));
        BOOST_TEST(h.out.size() == 3U);
        BOOST_TEST(!h.out[1].is_probe());
        BOOST_TEST(bool(h.all.try_acquire("a")));
    });
}

BOOST_AUTO_TEST_CASE(a_probe_that_says_so_lets_the_others_go_before_its_end)
{
    simulation s(1);
    after_a_hold h(s);
    s.world.run();
    BOOST_TEST(h.out.size() == 1U);
    h.out.at(0).succeeded();
    BOOST_TEST(!h.out[0].is_probe());
    s.world.run();
    BOOST_TEST(h.out.size() == 3U);
    BOOST_TEST(h.all.in_use("a") == 3U);
    h.out[0].succeeded(); // once more, and one that never was a probe
    h.out[1].succeeded();
    permit().succeeded();
    h.out.clear();
    BOOST_TEST(h.all.keys() == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_probe_says_counts_for_nothing_once_its_key_is_held_again)
{
    simulation s(1);
    after_a_hold h(s);
    s.world.run();
    BOOST_TEST((h.all.hold("a", s.world.now() + 7s) == hold_result::held));
    h.out.at(0).succeeded();
    s.world.run();
    BOOST_TEST((s.elapsed() == 12s));
    BOOST_TEST(h.out.size() == 2U);
    BOOST_TEST(h.out[1].is_probe());
}

BOOST_AUTO_TEST_CASE(a_failed_probe_is_followed_by_another)
{
    simulation s(1);
    after_a_hold h(s);
    s.world.run();
    h.out.at(0).failed();
    s.world.run();
    BOOST_TEST(h.out.size() == 2U);
    BOOST_TEST(h.out[1].is_probe());
    h.out[1].failed();
    s.world.run();
    h.out.at(2).failed(); // none waits: a newcomer is the next
    const permit probe = h.all.try_acquire("a");
    BOOST_TEST(probe.is_probe());
    BOOST_TEST(!h.all.try_acquire("a"));
}

BOOST_AUTO_TEST_CASE(a_hold_while_the_probe_is_out_keeps_the_key_shut)
{
    simulation s(1);
    after_a_hold h(s);
    s.world.run();
    BOOST_TEST((h.all.hold("a", s.world.now() + 7s) == hold_result::held));
    h.out.at(0).release(); // it was refused as well
    s.world.run();
    BOOST_TEST((s.elapsed() == 12s));
    BOOST_TEST(h.out.size() == 2U);
    BOOST_TEST(h.out[1].is_probe());
    h.out[1].release();
    s.run();
    BOOST_TEST(h.out.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_probe_whose_receiver_has_gone_opens_nothing)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 10);
    BOOST_TEST((all.hold("a", s.world.now() + 5s) == hold_result::held));
    auto away = std::make_unique<weir::sim::context>(s.world);
    all.async_acquire("a", asio::bind_executor(away->get_executor(), [](auto&&...) {}));
    std::vector<permit> out;
    for (int i = 0; i < 2; ++i)
        all.async_acquire("a", [&](weir::error_code, permit p) { out.push_back(std::move(p)); });
    while (all.waiters() == 3)
        BOOST_REQUIRE(s.world.run_one());
    away.reset(); // the first is the probe, and has not got its permit
    s.world.run();
    BOOST_TEST(out.size() == 1U);
    BOOST_TEST(out.at(0).is_probe());
}

BOOST_AUTO_TEST_CASE(a_cancelled_waiter_is_no_probe)
{
    in_many_orders([](simulation& s) {
        semaphore all(s.a.get_executor(), 10);
        BOOST_TEST((all.hold("a", s.world.now() + 5s) == hold_result::held));
        asio::cancellation_signal signal;
        std::vector<permit> out;
        const auto keep = [&](weir::error_code, permit p) { out.push_back(std::move(p)); };
        all.async_acquire("a", asio::bind_cancellation_slot(signal.slot(), keep));
        all.async_acquire("a", keep);
        all.async_acquire("a", keep);
        signal.emit(asio::cancellation_type::terminal);
        s.world.run();
        BOOST_TEST(out.size() == 2U);
        BOOST_TEST(!out[0]);
        BOOST_TEST(out[1].is_probe());
        out[1].release();
        s.run();
        BOOST_TEST(out.size() == 3U);
    });
}

BOOST_AUTO_TEST_CASE(a_hold_is_never_shortened_and_resume_ends_it)
{
    simulation s(1);
    after_a_hold h(s);
    BOOST_TEST((h.all.hold("a", s.world.now() + 1s) == hold_result::held));
    BOOST_TEST((h.all.held_until("a") == s.world.now() + 5s));
    BOOST_TEST((h.all.hold("a", s.world.now() + 20s) == hold_result::held));
    pass(s, 19s);
    BOOST_TEST(h.out.empty());
    h.all.resume("a");
    s.run();
    BOOST_TEST((s.elapsed() == 19s));
    BOOST_TEST(h.out.size() == 3U); // all of them: nothing is left of the hold
    h.all.resume("a");
    h.all.resume("never seen");
}

BOOST_AUTO_TEST_CASE(a_hold_of_the_past_does_nothing)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 1);
    BOOST_TEST((all.hold("a", s.world.now()) == hold_result::held));
    BOOST_TEST((all.hold("a", weir::time_point::min()) == hold_result::held));
    BOOST_TEST(all.keys() == 0U);
    BOOST_TEST(!all.try_acquire("a").is_probe());
}

BOOST_AUTO_TEST_CASE(a_hold_beyond_the_longest_ends_waiters_and_newcomers_at_once)
{
    for (const auto length : {weir::duration(24h), weir::duration::max()})
        in_many_orders([length](simulation& s) {
            semaphore all(s.a.get_executor(), weir::key_options(1).max_hold(1min), 10);
            const permit first = all.try_acquire("a");
            int ended = 0;
            const auto count = [&](weir::error_code error, const permit& p) {
                ended += error == weir::errc::held_too_long;
                BOOST_TEST(!p);
            };
            for (int i = 0; i < 100; ++i)
                all.async_acquire("a", count);
            bool other = false;
            all.async_acquire("b", [&](weir::error_code error, const permit&) { other = !error; });
            BOOST_TEST((all.hold("a", weir::saturating_add(s.world.now(), length)) ==
                        hold_result::too_long));
            all.async_acquire("a", count);
            s.run();
            BOOST_TEST((s.elapsed() == 0s));
            BOOST_TEST(ended == 101);
            BOOST_TEST(other);
        });
}

BOOST_AUTO_TEST_CASE(near_the_end_of_a_long_hold_newcomers_wait)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), weir::key_options(1).max_hold(1min));
    BOOST_TEST((all.hold("a", s.world.now() + 61s) == hold_result::too_long));
    pass(s, 1s);
    bool granted = false;
    all.async_acquire("a", [&](weir::error_code error, const permit& p) {
        granted = !error;
        BOOST_TEST(p.is_probe());
    });
    s.run();
    BOOST_TEST(granted);
    BOOST_TEST((s.elapsed() == 61s));
}

BOOST_AUTO_TEST_CASE(a_hold_that_nothing_waits_for_keeps_no_timer_and_is_forgotten)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), weir::key_options(1).max_hold(1min));
    BOOST_TEST((all.hold("a", s.world.now() + 5s) == hold_result::held));
    s.run();
    BOOST_TEST((s.elapsed() == 0s));
    pass(s, 64s);
    BOOST_TEST(bool(all.try_acquire("a"))); // it succeeds: that is the probe
    BOOST_TEST(all.keys() == 0U);
    BOOST_TEST((all.hold("a", s.world.now() + 5s) == hold_result::held));
    pass(s, 65s);
    const permit p = all.try_acquire("a");
    BOOST_TEST(!p.is_probe());
    BOOST_TEST(all.in_use() == 1U);
}

BOOST_AUTO_TEST_CASE(no_more_keys_are_held_than_may_be)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), weir::key_options(1).max_held(2), 10);
    const auto until = s.world.now() + 5s;
    BOOST_TEST((all.hold("a", until) == hold_result::held));
    BOOST_TEST((all.hold("b", until) == hold_result::held));
    BOOST_TEST((all.hold("c", until) == hold_result::refused));
    BOOST_TEST(all.keys() == 2U);
    BOOST_TEST(bool(all.try_acquire("c")));
}

// Of all keys together, wherever they are kept.
BOOST_AUTO_TEST_CASE(no_more_keys_of_all_shards_are_held_or_overridden_than_may_be)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        const auto options = weir::key_options(1).max_held(20).max_overridden(10);
        auto all = wide ? std::make_unique<semaphore>(s.a.get_executor(), options, 10)
                        : std::make_unique<semaphore>(s.a.get_executor(), options);
        const auto until = s.world.now() + 5s;
        int held = 0, overridden = 0;
        for (int i = 0; i < 100; ++i) {
            held += all->hold(std::to_string(i), until) == hold_result::held;
            BOOST_TEST((all->hold(std::to_string(i), s.world.now()) == hold_result::held)); // past
            overridden += all->override_key(std::to_string(100 + i), 5);
        }
        BOOST_TEST(held == 20);
        BOOST_TEST(overridden == 10);
        BOOST_TEST(all->keys() == 30U);
        all->resume("0");
        all->reset_key("100");
        BOOST_TEST((all->hold("0", until) == hold_result::held));
        BOOST_TEST((all->hold("99", until) == hold_result::refused));
        BOOST_TEST(all->override_key("199", 5));
        BOOST_TEST(!all->override_key("100", 5));
    }
}

BOOST_AUTO_TEST_CASE(a_hold_that_is_long_over_makes_room_for_another)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        const auto options = weir::key_options(1).max_hold(1min).max_held(200).max_overridden(200);
        auto all = wide ? std::make_unique<semaphore>(s.a.get_executor(), options, 10)
                        : std::make_unique<semaphore>(s.a.get_executor(), options);
        const auto until = s.world.now() + 5s;
        for (int i = 0; i < 200; ++i) {
            BOOST_TEST((all->hold(std::to_string(i), until) == hold_result::held));
            BOOST_TEST(all->override_key(std::to_string(1000 + i), 5, 1, until));
        }
        pass(s, 66s);
        for (int i = 0; i < 200; ++i) {
            const std::string key = std::to_string(300 + i);
            BOOST_TEST((all->hold(key, s.world.now() + 5s) == hold_result::held));
            BOOST_TEST(all->override_key(std::to_string(2000 + i), 5));
        }
        BOOST_TEST((all->hold("1", s.world.now() + 5s) == hold_result::refused));
        BOOST_TEST(!all->override_key("2", 5));
        BOOST_TEST(all->keys() == 400U);
    }
}

BOOST_AUTO_TEST_CASE(many_holds_that_end_at_once_let_all_their_keys_go)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 1, 1000);
    int granted = 0;
    for (int i = 0; i < 500; ++i) {
        const std::string key = std::to_string(i);
        BOOST_TEST((all.hold(key, s.world.now() + 5s) == hold_result::held));
        for (int n = 0; n < 2; ++n)
            all.async_acquire(key, [&](weir::error_code e, const permit&) { granted += !e; });
    }
    s.run();
    BOOST_TEST(granted == 1000);
    BOOST_TEST((s.elapsed() == 5s));
    BOOST_TEST(all.keys() == 0U);
}

// Whether it is the timer that sees first that the time is over, or another call.
BOOST_AUTO_TEST_CASE(a_call_at_the_very_end_of_a_hold_leaves_no_waiter_behind)
{
    enum class call { try_it, acquire, ask_for_too_much };
    for (const bool wide : {false, true})
        for (const call c : {call::try_it, call::acquire, call::ask_for_too_much})
            in_many_orders([=](simulation& s) {
                const weir::key_options each(2);
                using one_shard = weir::keyed_semaphore<std::string, same_hash>;
                auto all = wide ? std::make_unique<one_shard>(s.a.get_executor(), each, 8)
                                : std::make_unique<one_shard>(s.a.get_executor(), each);
                const auto end = s.world.now() + 5s;
                BOOST_TEST((all->hold("a", end) == hold_result::held));
                int granted = 0;
                const auto count = [&](weir::error_code error, const permit& p) {
                    BOOST_TEST(!error);
                    granted += p.is_probe();
                };
                all->async_acquire("a", count);
                weir::async_sleep_until(s.b.get_executor(), end, [&](weir::error_code) {
                    if (c == call::try_it)
                        BOOST_TEST(all->try_acquire("b").is_probe() == false);
                    else
                        all->async_acquire("b", c == call::acquire ? 1 : 3, [](auto&&...) {});
                });
                s.run();
                BOOST_TEST(granted == 1);
                BOOST_TEST((s.elapsed() == 5s));
            });
}

BOOST_AUTO_TEST_CASE(an_override_ends_and_its_waiters_go_on)
{
    simulation s(1);
    semaphore all(s.a.get_executor(), 1);
    BOOST_TEST(all.override_key("a", weir::paused, 1, s.world.now() + 5s));
    bool granted = false;
    all.async_acquire("a", [&](weir::error_code error, const permit&) { granted = !error; });
    s.run();
    BOOST_TEST(granted);
    BOOST_TEST((s.elapsed() == 5s));
    BOOST_TEST(all.keys() == 0U);
}

// With a wide limit of a hundred, or without.
std::unique_ptr<semaphore> make_semaphore(simulation& s, bool wide, const weir::key_options& each)
{
    if (wide)
        return std::make_unique<semaphore>(s.a.get_executor(), each, 100);
    return std::make_unique<semaphore>(s.a.get_executor(), each);
}

BOOST_AUTO_TEST_CASE(an_override_that_is_over_makes_nothing_too_large)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        const auto all = make_semaphore(s, wide, weir::key_options(10));
        for (const bool waiting : {false, true}) {
            BOOST_TEST(all->override_key("a", 1, 1, s.world.now() + 1s));
            pass(s, 1h);
            bool granted = false;
            if (waiting)
                all->async_acquire(
                    "a", 3, [&](weir::error_code error, const permit&) { granted = !error; });
            else
                granted = bool(all->try_acquire("a", 3));
            s.world.run();
            BOOST_TEST(granted);
            BOOST_TEST(all->keys() == 0U);
        }
    }
}

BOOST_AUTO_TEST_CASE(an_override_that_is_over_lets_no_more_in)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        const auto all = make_semaphore(s, wide, weir::key_options(2));
        BOOST_TEST(all->override_key("a", 10, 1, s.world.now() + 1s));
        pass(s, 1h);
        weir::error_code error;
        std::size_t got = 0;
        all->async_acquire("a", 5, [&](weir::error_code e, const permit& p) {
            error = e;
            got = p.weight();
        });
        s.world.run();
        BOOST_TEST((error == weir::errc::too_large));
        BOOST_TEST(got == 0U);
        BOOST_TEST(all->override_key("a", 10, 1, s.world.now() + 1s));
        pass(s, 1h);
        BOOST_TEST(!all->try_acquire("a", 5));
        BOOST_TEST(all->in_use() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(an_override_of_the_past_ends_no_waiter)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        const auto all = make_semaphore(s, wide, weir::key_options(10));
        permit first = all->try_acquire("a", 10);
        bool granted = false;
        all->async_acquire("a", 3,
                           [&](weir::error_code error, const permit&) { granted = !error; });
        BOOST_TEST(all->override_key("a", 1, 1, s.world.now()));
        s.world.run();
        first.release();
        s.world.run();
        BOOST_TEST(granted);
    }
}

// What waits behind those that are too large goes on, and what is out stays valid.
BOOST_AUTO_TEST_CASE(the_end_of_an_override_ends_the_waiters_that_are_too_large_then)
{
    for (const bool wide : {false, true})
        in_many_orders([wide](simulation& s) {
            const auto all = make_semaphore(s, wide, weir::key_options(10));
            BOOST_TEST(all->override_key("a", 20, 1, s.world.now() + 5s));
            permit first = all->try_acquire("a", 18);
            std::string ended;
            for (const std::size_t weight : {15U, 8U, 11U, 2U})
                all->async_acquire("a", weight, [&](weir::error_code error, const permit& p) {
                    BOOST_TEST((s.elapsed() == (error ? 5s : 6s)));
                    ended += error == weir::errc::too_large ? "too large "
                             : error                        ? "?"
                                                            : "granted ";
                    BOOST_TEST(p.weight() <= 8U);
                });
            pass(s, 6s);
            BOOST_TEST(ended == "too large too large ");
            BOOST_TEST(all->waiters() == 2U);
            first.release();
            s.world.run();
            BOOST_TEST(ended == "too large too large granted granted ");
            BOOST_TEST(all->keys() == 0U);
        });
}

// Nothing is too large for a limit of none: it is a pause.
BOOST_AUTO_TEST_CASE(the_end_of_an_override_ends_no_waiter_while_the_limit_is_paused)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        const auto all = make_semaphore(s, wide, weir::key_options(10));
        BOOST_TEST(all->override_key("a", 20, 1, s.world.now() + 5s));
        permit first = all->try_acquire("a", 18);
        bool granted = false;
        all->async_acquire("a", 5,
                           [&](weir::error_code error, const permit&) { granted = !error; });
        all->resize(weir::paused);
        pass(s, 6s);
        BOOST_TEST(all->waiters() == 1U);
        first.release();
        all->resize(10);
        s.world.run();
        BOOST_TEST(granted);
    }
}

// Whether it is the timer that sees first that the time is over, or another call.
BOOST_AUTO_TEST_CASE(a_release_at_the_very_end_of_an_override_grants_nothing_too_large)
{
    for (const bool wide : {false, true})
        in_many_orders([wide](simulation& s) {
            const auto all = make_semaphore(s, wide, weir::key_options(10));
            const auto end = s.world.now() + 5s;
            std::vector<permit> first;
            int too_large = 0;
            for (int i = 0; i < 100; ++i) {
                const std::string key = std::to_string(i);
                BOOST_TEST(all->override_key(key, 20, 1, end));
                if (permit p = all->try_acquire(key, 20))
                    first.push_back(std::move(p));
                all->async_acquire(key, 15, [&](weir::error_code error, const permit&) {
                    too_large += error == weir::errc::too_large;
                });
            }
            weir::async_sleep_until(s.b.get_executor(), end,
                                    [&](weir::error_code) { first.clear(); });
            s.run();
            BOOST_TEST(too_large == 100);
            BOOST_TEST(all->in_use() == 0U);
        });
}

BOOST_AUTO_TEST_CASE(keys_held_or_overridden_long_ago_are_forgotten_as_others_come)
{
    for (const int which : {0, 1, 2, 3, 4, 5}) {
        simulation s(1);
        const auto all = make_semaphore(s, which > 2, weir::key_options(1).max_hold(1min));
        const auto end = s.world.now() + 5s;
        for (int i = 0; i < 500; ++i) {
            const std::string name = std::to_string(i);
            if (which % 3 != 1)
                BOOST_TEST((all->hold("held " + name, end) == hold_result::held));
            if (which % 3 != 2)
                BOOST_TEST(all->override_key("overridden " + name, 5, 1, end));
        }
        BOOST_TEST(all->override_key("for ever", 5));
        pass(s, 66s);
        for (int i = 0; i < 5'000; ++i)
            BOOST_TEST(bool(all->try_acquire(std::to_string(i))));
        BOOST_TEST(all->keys() == 1U);
    }
}

// A waiter may destroy the semaphore in its handler, whatever ended it.
BOOST_AUTO_TEST_CASE(it_may_be_destroyed_in_a_handler)
{
    in_many_orders([](simulation& s) {
        auto all = std::make_unique<semaphore>(s.a.get_executor(), 1, 1);
        permit first = all->try_acquire("a");
        std::vector<weir::error_code> ended;
        for (int i = 0; i < 3; ++i)
            all->async_acquire("b", [&](weir::error_code error, const permit&) {
                all.reset();
                ended.push_back(error);
            });
        (void)all->hold("b", s.world.now() + 1s);
        first.release();
        s.run();
        BOOST_TEST(ended.size() == 3U);
        BOOST_TEST(!ended.at(0));
        BOOST_TEST((ended.at(1) == weir::errc::closed));
        BOOST_TEST((ended.at(2) == weir::errc::closed));
    });
}

struct moody {
    moody(int n) : number(n) {}
    moody(const moody& other) : number(other.number)
    {
        if (copies++ == failing)
            throw std::bad_alloc();
    }
    moody& operator=(const moody&) = delete;
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
    for (int failing = 0; failing < 12; ++failing) {
        simulation s(1);
        weir::keyed_semaphore<moody, worst_hash> all(s.a.get_executor(), 1, 3);
        moody::copies = 0;
        moody::failing = failing;
        int begun = 0, ended = 0;
        for (int i = 0; i < 4; ++i)
            try {
                all.async_acquire(moody(i / 2), [&](weir::error_code, const auto&) { ++ended; });
                ++begun;
            } catch (const std::bad_alloc&) {
            }
        s.run();
        moody::failing = -1;
        BOOST_TEST(begun == ended);
        BOOST_TEST(all.waiters() == 0U);
        BOOST_TEST(all.keys() == 0U);
        BOOST_TEST(bool(all.try_acquire(moody(0))));
    }
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_keys_come_and_go)
{
    simulation s(1);
    for (const bool wide : {false, true}) {
        using semaphore = weir::keyed_semaphore<std::size_t>;
        auto all = wide ? std::make_unique<semaphore>(s.a.get_executor(), 1, weir::unlimited)
                        : std::make_unique<semaphore>(s.a.get_executor(), 1);
        std::vector<weir::keyed_permit<std::size_t>> out;
        for (std::size_t i = 0; i < 100'000; ++i)
            out.push_back(all->try_acquire(i << 40)); // the low bits of the hash are all the same
        BOOST_TEST(all->keys() == 100'000U);
        BOOST_TEST(std::all_of(out.begin(), out.end(), [](const auto& p) { return bool(p); }));
        BOOST_TEST(!all->try_acquire(std::size_t{5} << 40));
        std::shuffle(out.begin(), out.end(), std::mt19937(3));
        out.clear();
        BOOST_TEST(all->keys() == 0U);
        BOOST_TEST(all->in_use() == 0U);
    }
}

asio::awaitable<void> hold_and_release(semaphore& all, std::string key, std::size_t weight,
                                       simulation& s, std::map<std::string, std::size_t>& in_use,
                                       std::size_t& most)
{
    auto got = co_await all.async_acquire(key, weight, asio::as_tuple(asio::use_awaitable));
    auto& [error, p] = got;
    if (error)
        co_return;
    in_use[key] += p.weight();
    most = std::max(most, in_use[key]);
    co_await weir::async_sleep_for(s.a.get_executor(), 1ms, asio::use_awaitable);
    in_use[key] -= p.weight();
}

BOOST_AUTO_TEST_CASE(random_work_loses_and_invents_no_permit)
{
    in_many_orders([](simulation& s) {
        std::mt19937 random(5);
        semaphore all(s.a.get_executor(), 3, 5);
        std::map<std::string, std::size_t> in_use;
        std::size_t most = 0;
        for (int i = 0; i < 40; ++i)
            s.spawn([&, key = std::string(1, "abcd"[random() % 4]),
                     weight = 1 + random() % 3]() -> asio::awaitable<void> {
                co_await hold_and_release(all, key, weight, s, in_use, most);
            });
        s.a.at_some_step([&] { (void)all.hold("b", s.world.now() + 2ms); });
        s.run();
        BOOST_TEST(most == 3U);
        BOOST_TEST(all.in_use() == 0U);
        BOOST_TEST(all.waiters() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(the_largest_weights_are_counted_like_others)
{
    simulation s(1);
    const auto most = std::numeric_limits<std::size_t>::max();
    weir::keyed_semaphore<std::string> keys(s.a.get_executor(), 4);
    keys.resize(weir::paused); // so that none is too large
    int refused = 0;
    for (const std::size_t weight : {most, most / 2 + 2, most / 2 + 1})
        keys.async_acquire("a", weight, [&](weir::error_code error, auto) {
            refused += error == weir::errc::too_large ? 1 : 0;
        });
    s.world.run();
    BOOST_TEST(keys.waiters() == 3U);
    keys.resize(4);
    s.run();
    BOOST_TEST(refused == 3);

    weir::schedule<std::string, int> items(weir::unlimited);
    items.push("a", 1, most);
    items.push("b", 2, most);
    std::vector<int> out;
    for (int i = 0; i < 2; ++i) {
        auto next = items.pop(s.world.now());
        BOOST_REQUIRE(next);
        out.push_back(*next.item);
        items.done(next.place);
    }
    BOOST_TEST((out == std::vector<int>{1, 2}));
}

// There is one in each semaphore.
struct counted_hash {
    counted_hash() { ++alive; }
    counted_hash(const counted_hash&) = delete;
    ~counted_hash() { --alive; }
    std::size_t operator()(int) const noexcept { return 1; }

    static inline int alive = 0;
};

BOOST_AUTO_TEST_CASE(permits_of_the_largest_weights_keep_their_semaphores_state)
{
    for (const bool wide : {false, true}) {
        simulation s(1);
        using semaphore = weir::keyed_semaphore<int, counted_hash>;
        auto all =
            wide ? std::make_unique<semaphore>(s.a.get_executor(), weir::unlimited, weir::unlimited)
                 : std::make_unique<semaphore>(s.a.get_executor(), weir::unlimited);
        std::vector<weir::keyed_permit<int>> out;
        std::size_t sum = 0; // of all weights it would be 0
        for (int key = 0; key < 9; ++key) {
            const std::size_t weight = key < 8 ? weir::unlimited.count() : 8;
            if (auto p = all->try_acquire(key, weight)) {
                out.push_back(std::move(p));
                sum += weight;
            }
        }
        BOOST_TEST(out.size() == (wide ? 1U : 9U));
        BOOST_TEST(all->in_use() == (wide ? sum : std::numeric_limits<std::size_t>::max()));
        all.reset();
        BOOST_TEST(counted_hash::alive == 1);
        out.clear();
        BOOST_TEST(counted_hash::alive == 0);
    }
}

BOOST_AUTO_TEST_CASE(resetting_a_key_ends_waiters_that_are_too_large_then)
{
    asio::io_context io(1);
    weir::keyed_semaphore<std::string> keys(io.get_executor(), weir::limit(2));
    BOOST_TEST(keys.override_key("a", weir::limit(8)));
    auto held = keys.try_acquire("a", 8);
    BOOST_REQUIRE(bool(held));
    weir::error_code got;
    bool ended = false;
    keys.async_acquire("a", 5, asio::bind_executor(io, [&](weir::error_code error, auto) {
                           got = error;
                           ended = true;
                       }));
    io.poll();
    BOOST_TEST(!ended);
    keys.reset_key("a");
    io.restart();
    io.poll();
    BOOST_TEST(ended);
    BOOST_TEST((got == weir::errc::too_large));
    held.release();
    keys.close();
    io.restart();
    io.run();
}

BOOST_AUTO_TEST_SUITE_END()
