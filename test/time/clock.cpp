#include <weir/time/clock.hpp>

#include "support/hand_clock.hpp"
#include "support/simulation.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <random>
#include <vector>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(time_queue)

struct entry final : weir::detail::timer_entry {
    entry(std::vector<weir::time_point>& log, weir::time_point t) : order(log), at(t) {}
    void expired() noexcept override
    {
        order.push_back(at);
        fired = true;
    }
    void failed(int error) noexcept override { why = error; }

    std::vector<weir::time_point>& order;
    weir::time_point at;
    bool fired = false;
    int why = 0;
};

BOOST_AUTO_TEST_CASE(entries_expire_in_the_order_of_their_times_and_cancelled_ones_never)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    auto& service = weir::detail::time_service::of(c.get_executor());
    std::mt19937 random(5);
    std::vector<weir::time_point> order;
    std::deque<entry> entries;
    for (int i = 0; i < 2000; ++i) {
        entries.emplace_back(order, weir::time_point{} + (random() % 1000) * 1ms);
        BOOST_TEST(service.schedule(entries.back(), entries.back().at, c.get_executor()));
    }
    std::size_t cancelled = 0;
    for (std::size_t i = 0; i < entries.size(); i += 3) {
        BOOST_TEST(service.cancel(entries[i]));
        BOOST_TEST(!service.cancel(entries[i]));
        ++cancelled;
    }
    w.run();
    BOOST_TEST(order.size() == entries.size() - cancelled);
    BOOST_TEST(std::is_sorted(order.begin(), order.end()));
    for (std::size_t i = 0; i < entries.size(); ++i)
        BOOST_TEST(entries[i].fired == (i % 3 != 0));
    BOOST_TEST(!service.cancel(entries[1]));
}

// What waits never waits for a wake-up that will not come.
BOOST_AUTO_TEST_CASE(an_entry_that_cannot_be_set_is_refused_and_leaves_the_others)
{
    weir::test::hand_clock clock;
    std::vector<weir::time_point> order;
    entry late(order, weir::time_point{} + 2s);
    entry early(order, weir::time_point{} + 1s);
    BOOST_TEST(clock.service().schedule(late, late.at, clock.executor()));
    clock.fail_next(1);
    BOOST_CHECK_THROW(clock.service().schedule(early, early.at, clock.executor()),
                      weir::system_error);
    BOOST_TEST(!clock.service().cancel(early));
    clock.advance_to(late.at);
    BOOST_TEST(late.fired);
    BOOST_TEST(!early.fired);
    BOOST_TEST(early.why == 0);
}

BOOST_AUTO_TEST_CASE(what_no_wake_up_can_be_had_for_fails)
{
    weir::test::hand_clock clock;
    std::vector<weir::time_point> order;
    std::deque<entry> entries;
    for (int i = 1; i <= 4; ++i) {
        entries.emplace_back(order, weir::time_point{} + i * 1s);
        BOOST_TEST(clock.service().schedule(entries.back(), entries.back().at, clock.executor()));
    }
    entry early(order, weir::time_point{});
    BOOST_TEST(clock.service().cancel(entries[3]));
    clock.fail_next(1);
    clock.advance_to(entries[0].at); // the wake-up for the next cannot be had
    BOOST_TEST(entries[0].fired);
    BOOST_TEST(entries[1].why == EMFILE);
    BOOST_TEST(entries[2].why == EMFILE);
    BOOST_TEST(entries[3].why == 0);

    BOOST_TEST(clock.service().schedule(entries[3], entries[3].at, clock.executor()));
    clock.fail_next(2); // for the early one, and for the one that was there
    BOOST_CHECK_THROW(clock.service().schedule(early, early.at, clock.executor()),
                      weir::system_error);
    BOOST_TEST(entries[3].why == EMFILE);
    BOOST_TEST(!clock.service().cancel(entries[3]));
    BOOST_TEST(order.size() == 1U);
}

// As another thread would, while one expires: the queue is armed for the earliest there is, not for
// the newest.
BOOST_AUTO_TEST_CASE(an_entry_that_comes_while_another_expires_hides_none_before_it)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    auto& service = weir::detail::time_service::of(c.get_executor());
    struct adder final : weir::detail::timer_entry {
        void expired() noexcept override { add(); }
        void failed(int) noexcept override {}
        std::function<void()> add;
    };
    std::vector<weir::time_point> order;
    entry early(order, weir::time_point{} + 5s), late(order, weir::time_point{} + 1h);
    adder first;
    first.add = [&] { BOOST_TEST(service.schedule(late, late.at, c.get_executor())); };
    BOOST_TEST(service.schedule(first, weir::time_point{} + 1s, c.get_executor()));
    BOOST_TEST(service.schedule(early, early.at, c.get_executor()));
    while (!early.fired && w.run_one()) {
    }
    BOOST_TEST((w.now() == early.at));
    w.run();
    BOOST_TEST(late.fired);
}

// Where several threads run a context, a wake-up may be on its way when the clock is set anew. A
// clock that stays set without need keeps the context running.
BOOST_AUTO_TEST_CASE(a_wake_up_that_comes_too_late_leaves_no_clock_set)
{
    weir::test::hand_clock clock;
    auto& service = clock.service();
    std::vector<weir::time_point> order;
    entry soon(order, weir::time_point{} + 1s);
    BOOST_TEST(service.schedule(soon, soon.at, clock.executor()));
    BOOST_TEST(service.cancel(soon));
    clock.context().run();
    BOOST_TEST(!clock.is_set());

    entry much_later(order, weir::time_point{} + 1h);
    BOOST_TEST(service.schedule(much_later, much_later.at, clock.executor()));
    BOOST_TEST(clock.is_set());
    clock.wake_late();
    BOOST_TEST(clock.is_set());
    BOOST_TEST(service.cancel(much_later));
    clock.wake_late();
    clock.context().restart();
    clock.context().run();
    BOOST_TEST(!clock.is_set());
    BOOST_TEST(order.empty());
}

BOOST_AUTO_TEST_CASE(a_sum_of_times_stays_in_range)
{
    const auto last = weir::time_point::max();
    BOOST_TEST((weir::saturating_add(last - 1s, 2s) == last));
    BOOST_TEST((weir::saturating_add(weir::time_point{}, weir::duration::max()) == last));
    BOOST_TEST((weir::saturating_add(weir::time_point{} + 1s, 2s) == weir::time_point{} + 3s));
    const auto first = weir::time_point::min();
    BOOST_TEST((weir::saturating_add(first, -1s) == first));
    BOOST_TEST((weir::saturating_add(first + 1s, -2s) == first));
    BOOST_TEST(
        (weir::saturating_add(first, weir::duration::max()) == first + weir::duration::max()));
    BOOST_TEST(
        (weir::saturating_add(weir::duration::max(), weir::duration(1)) == weir::duration::max()));
    BOOST_TEST((weir::saturating_add(weir::duration(1s), weir::duration(2s)) == 3s));
    BOOST_TEST((weir::saturating_add(last, -1s) == last - 1s));
}

BOOST_AUTO_TEST_CASE(a_time_before_the_one_already_waited_for_is_not_missed)
{
    weir::sim::world w(1);
    weir::sim::context c(w);
    auto& service = weir::detail::time_service::of(c.get_executor());
    std::vector<weir::time_point> order;
    entry late(order, weir::time_point{} + 10s);
    entry early(order, weir::time_point{} + 1s);
    BOOST_TEST(service.schedule(late, late.at, c.get_executor()));
    BOOST_TEST(service.schedule(early, early.at, c.get_executor()));
    while (!early.fired)
        BOOST_REQUIRE(w.run_one());
    BOOST_TEST((w.now() == early.at));
    w.run();
    BOOST_TEST(late.fired);
    BOOST_TEST((w.now() == late.at));
}

BOOST_AUTO_TEST_SUITE_END()
