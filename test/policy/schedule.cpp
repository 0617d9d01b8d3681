#include <weir/policy/schedule.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::hold_result;
using weir::time_point;
using queue = weir::schedule<std::string, int>;
using place = queue::place;

BOOST_AUTO_TEST_SUITE(schedule)

const time_point start{1h};

std::vector<int> drain(queue& q, std::vector<place>& places, time_point now = start)
{
    std::vector<int> order;
    while (auto next = q.pop(now)) {
        order.push_back(*next.item);
        places.push_back(std::move(next.place));
    }
    return order;
}

std::vector<int> drain(queue& q, time_point now = start)
{
    std::vector<place> places;
    return drain(q, places, now);
}

using numbers = std::vector<int>;

BOOST_AUTO_TEST_CASE(a_key_at_its_limit_does_not_hold_back_other_keys)
{
    queue q(2);
    for (int i = 0; i < 5; ++i)
        q.push("slow", i);
    q.push("quick", 10);
    std::vector<place> places;
    BOOST_TEST(drain(q, places) == (numbers{0, 10, 1}), boost::test_tools::per_element());
    BOOST_TEST(!q.ready(start));
    BOOST_TEST(q.queued() == 3U);
    BOOST_TEST(q.running() == 3U);
    q.done(places[0]);
    BOOST_TEST(!places[0]);
    BOOST_TEST(drain(q) == (numbers{2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(keys_take_turns)
{
    queue q(10);
    for (int i = 0; i < 3; ++i) {
        q.push("a", i);
        q.push("b", 10 + i);
    }
    BOOST_TEST(drain(q) == (numbers{0, 10, 1, 11, 2, 12}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_may_be_served_out_of_its_turn_within_its_limit_and_unless_it_is_held)
{
    queue q(2);
    for (int i = 0; i < 3; ++i) {
        q.push("a", i);
        q.push("b", 10 + i);
    }
    std::vector<place> places;
    for (int i = 0; i < 2; ++i) {
        auto next = q.pop("b", start);
        BOOST_TEST_REQUIRE(bool(next));
        BOOST_TEST(*next.item == 10 + i);
        BOOST_TEST(next.place.key() == "b");
        places.push_back(std::move(next.place));
    }
    BOOST_TEST(!q.pop("b", start)); // at its limit
    BOOST_TEST(!q.pop("c", start)); // not there
    BOOST_TEST(q.running("b") == 2U);
    q.done(places[0]);
    BOOST_TEST((q.hold("b", start + 1min, start) == hold_result::held));
    BOOST_TEST(!q.pop("b", start));
    BOOST_TEST(drain(q) == (numbers{0, 1}), boost::test_tools::per_element());
    q.resume("b");
    BOOST_TEST(*q.pop("b", start).item == 12);
    BOOST_TEST(q.queued() == 1U);
}

// What it gets early is not taken from its turn: the others have waited for it already.
BOOST_AUTO_TEST_CASE(a_key_that_was_served_early_keeps_its_turn)
{
    queue q(10);
    q.push("a", 0, 3);
    q.push("a", 1, 1);
    q.push("b", 10, 4);
    q.push("b", 11, 4);
    BOOST_TEST(*q.pop(start).item == 0); // of a turn of 4, so that 1 is left
    BOOST_TEST(*q.pop("b", start).item == 10);
    BOOST_TEST(drain(q) == (numbers{1, 11}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_item_pushed_in_front_goes_first)
{
    queue q(10);
    q.push("a", 1);
    q.push_front("a", 0);
    BOOST_TEST(drain(q) == (numbers{0, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_held_key_gives_nothing_until_it_is_resumed)
{
    queue q(2);
    q.push("a", 1);
    q.push("a", 2);
    BOOST_TEST((q.hold("a", time_point::max(), start) == hold_result::too_long));
    const auto none = q.pop(start + 1'000h);
    BOOST_TEST(!none);
    BOOST_TEST((none.again == time_point::max()));
    q.resume("a");
    BOOST_TEST(drain(q) == (numbers{1, 2}), boost::test_tools::per_element()); // without a probe
}

BOOST_AUTO_TEST_CASE(a_key_is_forgotten_when_nothing_is_left_of_it)
{
    queue q(1);
    q.push("a", 1);
    auto next = q.pop(start);
    BOOST_TEST(q.keys() == 1U);
    BOOST_TEST(next.place.key() == "a");
    q.done(next.place);
    BOOST_TEST(q.keys() == 0U);
}

BOOST_AUTO_TEST_CASE(misuse_throws)
{
    BOOST_CHECK_THROW(queue(0), std::invalid_argument);
    BOOST_CHECK_THROW(queue{weir::paused}, std::invalid_argument);
    BOOST_CHECK_THROW(weir::key_options(1).max_hold(0s), std::invalid_argument);
    queue q(1);
    BOOST_CHECK_THROW(q.push("a", 1, 0), std::invalid_argument);
    BOOST_TEST(q.keys() == 0U);
    BOOST_CHECK_THROW((void)q.override_key("a", 1, 0), std::invalid_argument);
    BOOST_TEST(q.keys() == 0U);
}

BOOST_AUTO_TEST_CASE(an_empty_place_ends_nothing)
{
    queue q(1);
    q.push("a", 1);
    auto next = q.pop(start);
    q.done(next.place);
    q.done(next.place);
    place empty;
    q.failed(empty);
    BOOST_TEST(q.running() == 0U);
}

BOOST_AUTO_TEST_CASE(take_any_empties_it_whatever_has_room)
{
    queue q(1);
    q.push("a", 1);
    q.push("a", 2);
    q.push("b", 3);
    q.push("c", 4);
    BOOST_TEST((q.hold("b", start + 1s, start) == hold_result::held));
    BOOST_TEST(bool(q.pop(start)));
    std::set<int> taken;
    while (auto item = q.take_any())
        taken.insert(*item);
    BOOST_TEST((taken == std::set<int>{2, 3, 4}));
    BOOST_TEST(q.queued() == 0U);
    BOOST_TEST(q.running() == 1U);
    BOOST_TEST(q.keys() == 2U); // `b` is held still
}

BOOST_AUTO_TEST_CASE(the_items_of_one_key_are_taken_out_in_their_order)
{
    queue q(1);
    for (int i = 0; i < 3; ++i)
        q.push("a", i);
    q.push("b", 10);
    BOOST_TEST(q.queued("a") == 3U);
    BOOST_TEST(*q.take("a") == 0);
    BOOST_TEST(*q.take("a") == 1);
    BOOST_TEST(q.running("a") == 0U);
    BOOST_TEST(*q.take("a") == 2);
    BOOST_TEST(!q.take("a").has_value());
    BOOST_TEST(!q.take("never seen").has_value());
    BOOST_TEST(q.keys() == 1U);
    BOOST_TEST(drain(q) == (numbers{10}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(costs_count_against_the_limit_of_the_key)
{
    queue q(4);
    q.push("a", 1, 3);
    q.push("a", 2, 2);
    q.push("a", 3, 1); // would fit, and must not overtake
    std::vector<place> places;
    BOOST_TEST(drain(q, places) == (numbers{1}), boost::test_tools::per_element());
    BOOST_TEST(q.running("a") == 3U);
    BOOST_TEST(places[0].cost() == 3U);
    q.done(places[0]);
    BOOST_TEST(drain(q) == (numbers{2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_costs_more_than_the_limit_runs_alone)
{
    queue q(2);
    q.push("a", 1);
    q.push("a", 2, 1'000'000);
    q.push("a", 3);
    std::vector<place> places;
    BOOST_TEST(drain(q, places) == (numbers{1}), boost::test_tools::per_element());
    q.done(places[0]);
    BOOST_TEST(drain(q, places) == (numbers{2}), boost::test_tools::per_element());
    q.done(places[1]);
    BOOST_TEST(drain(q, places) == (numbers{3}), boost::test_tools::per_element());
}

// Shares of the cost that is let out while all keys wait, place for place.
std::map<std::string, std::size_t> shares(queue& q, std::size_t of)
{
    std::map<std::string, std::size_t> out;
    for (std::size_t all = 0; all < of;) {
        auto next = q.pop(start);
        BOOST_REQUIRE(next);
        out[next.place.key()] += next.place.cost();
        all += next.place.cost();
        q.push(next.place.key(), *next.item, next.place.cost());
        q.done(next.place);
    }
    return out;
}

BOOST_AUTO_TEST_CASE(keys_with_other_costs_get_the_same_share)
{
    queue q(100);
    for (int i = 0; i < 100; ++i) {
        q.push("light", i, 1);
        q.push("heavy", i, 20);
        q.push("odd", i, 7);
    }
    for (const auto& [key, share] : shares(q, 30'000)) {
        BOOST_TEST(share >= 10'000U - 64);
        BOOST_TEST(share <= 10'000U + 64);
    }
}

BOOST_AUTO_TEST_CASE(turns_multiply_the_share)
{
    queue q(100);
    for (int i = 0; i < 100; ++i) {
        q.push("a", i);
        q.push("b", i);
    }
    BOOST_TEST(q.override_key("b", 100, 3));
    const auto out = shares(q, 4'000);
    BOOST_TEST(out.at("a") == 1'000U);
    BOOST_TEST(out.at("b") == 3'000U);
}

// A key that brought a big item once has small turns again.
BOOST_AUTO_TEST_CASE(turns_are_short_again_once_nothing_expensive_waits)
{
    queue q(100'000);
    q.push("a", 0, 64);
    BOOST_TEST(bool(q.pop(start)));
    for (int i = 0; i < 3; ++i) {
        q.push("a", i);
        q.push("b", 10 + i);
    }
    BOOST_TEST(drain(q) == (numbers{0, 10, 1, 11, 2, 12}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(costs_and_turns_at_the_end_of_their_range_do_not_overflow)
{
    queue q(weir::unlimited);
    const std::size_t most = weir::unlimited.count() - 1;
    q.push("a", 1, most);
    q.push("b", 2, 1);
    BOOST_TEST(q.override_key("a", weir::unlimited, std::numeric_limits<std::size_t>::max()));
    BOOST_TEST(drain(q).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_back_does_not_bring_old_turns_with_it)
{
    queue q(1);
    q.push("a", 1);
    auto first = q.pop(start);
    for (int i = 0; i < 20; ++i) {
        q.push("b", i); // `a` is not there, round after round
        auto next = q.pop(start);
        q.done(next.place);
    }
    q.done(first.place);
    q.resize(100);
    for (int i = 0; i < 2; ++i) {
        q.push("a", i);
        q.push("b", 10 + i);
    }
    BOOST_TEST(drain(q) == (numbers{0, 10, 1, 11}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_hold_ends_by_itself_and_pop_returns_when)
{
    queue q(1);
    q.push("a", 1);
    BOOST_TEST((q.hold("a", start + 5s, start) == hold_result::held));
    BOOST_TEST((q.held_until("a") == start + 5s));
    const auto none = q.pop(start + 4s);
    BOOST_TEST(!none);
    BOOST_TEST((none.again == start + 5s));
    BOOST_TEST(*q.pop(start + 5s).item == 1);
}

BOOST_AUTO_TEST_CASE(the_later_of_two_holds_counts)
{
    queue q(1);
    q.push("a", 1);
    BOOST_TEST((q.hold("a", start + 5s, start) == hold_result::held));
    BOOST_TEST((q.hold("a", start + 2s, start) == hold_result::held));
    BOOST_TEST((q.held_until("a") == start + 5s));
    BOOST_TEST((q.hold("a", start + 7s, start + 1s) == hold_result::held));
    BOOST_TEST((q.pop(start + 6s).again == start + 7s));
    BOOST_TEST(bool(q.pop(start + 7s)));
}

BOOST_AUTO_TEST_CASE(a_hold_of_the_past_does_nothing)
{
    queue q(1);
    BOOST_TEST((q.hold("a", start, start) == hold_result::held));
    BOOST_TEST((q.hold("a", time_point::min(), start) == hold_result::held));
    BOOST_TEST(q.keys() == 0U);
    q.push("a", 1);
    q.push("a", 2);
    q.resize(2);
    BOOST_TEST(drain(q) == (numbers{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_resume_without_a_hold_does_nothing)
{
    queue q(1);
    q.resume("a");
    BOOST_TEST(q.keys() == 0U);
    q.push("a", 1);
    q.resume("a");
    BOOST_TEST(drain(q) == (numbers{1}), boost::test_tools::per_element());
    q.resume("a"); // it runs
    BOOST_TEST(q.keys() == 1U);
}

// Four items of a key that was held for five seconds.
struct after_a_hold {
    after_a_hold()
    {
        for (int i = 0; i < 4; ++i)
            q.push("a", i);
        BOOST_TEST((q.hold("a", start + 5s, start) == hold_result::held));
        auto next = q.pop(end);
        BOOST_REQUIRE(next);
        probe = std::move(next.place);
    }

    const time_point end = start + 5s;
    queue q{10};
    place probe;
};

BOOST_AUTO_TEST_CASE(after_a_hold_one_probe_goes_first)
{
    after_a_hold s;
    BOOST_TEST(s.probe.is_probe());
    const auto none = s.q.pop(s.end + 1h);
    BOOST_TEST(!none);
    BOOST_TEST((none.again == time_point::max()));
    s.q.done(s.probe);
    auto next = s.q.pop(s.end);
    BOOST_TEST(*next.item == 1);
    BOOST_TEST(!next.place.is_probe());
    BOOST_TEST(drain(s.q, s.end) == (numbers{2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_probe_that_failed_is_followed_by_another)
{
    after_a_hold s;
    s.q.failed(s.probe);
    auto next = s.q.pop(s.end);
    BOOST_TEST(next.place.is_probe());
    BOOST_TEST(!s.q.pop(s.end));
    s.q.done(next.place);
    BOOST_TEST(drain(s.q, s.end) == (numbers{2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_hold_while_the_probe_is_out_keeps_the_key_shut)
{
    after_a_hold s;
    BOOST_TEST((s.q.hold("a", s.end + 3s, s.end) == hold_result::held));
    s.q.done(s.probe);
    BOOST_TEST((s.q.pop(s.end).again == s.end + 3s));
    auto next = s.q.pop(s.end + 3s);
    BOOST_TEST(next.place.is_probe());
    BOOST_TEST(!s.q.pop(s.end + 3s));
    s.q.done(next.place);
    BOOST_TEST(drain(s.q, s.end).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_probe_of_an_earlier_hold_does_not_open_the_key)
{
    after_a_hold s;
    BOOST_TEST((s.q.hold("a", s.end + 3s, s.end) == hold_result::held));
    auto second = s.q.pop(s.end + 3s);
    BOOST_TEST(second.place.is_probe());
    s.q.done(s.probe); // it began before the second hold
    BOOST_TEST(!s.q.pop(s.end + 3s));
    s.q.done(second.place);
    BOOST_TEST(drain(s.q, s.end).size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_began_before_the_hold_does_not_open_the_key)
{
    queue q(10);
    for (int i = 0; i < 3; ++i)
        q.push("a", i);
    auto before = q.pop(start);
    BOOST_TEST((q.hold("a", start + 1s, start) == hold_result::held));
    auto probe = q.pop(start + 1s);
    BOOST_TEST(probe.place.is_probe());
    q.done(before.place);
    BOOST_TEST(!q.pop(start + 1s));
    q.done(probe.place);
    BOOST_TEST(bool(q.pop(start + 1s)));
}

BOOST_AUTO_TEST_CASE(a_newcomer_after_the_hold_is_the_probe_for_a_while)
{
    queue q(weir::key_options(10).max_hold(10s));
    BOOST_TEST((q.hold("a", start + 5s, start) == hold_result::held));
    BOOST_TEST(q.keys() == 1U);
    q.push("a", 1);
    q.push("a", 2);
    auto probe = q.pop(start + 14s); // the hold has been over for less than ten seconds
    BOOST_TEST(probe.place.is_probe());
    BOOST_TEST(!q.pop(start + 14s));
    q.done(probe.place);
    BOOST_TEST(drain(q, start + 14s) == (numbers{2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_held_key_that_nothing_asks_for_is_forgotten)
{
    queue q(weir::key_options(10).max_hold(10s));
    BOOST_TEST((q.hold("a", start + 5s, start) == hold_result::held));
    BOOST_TEST((q.pop(start).again == time_point::max())); // no reason to wake up
    BOOST_TEST(!q.pop(start + 15s - 1ns));
    BOOST_TEST(q.keys() == 1U);
    BOOST_TEST(!q.pop(start + 15s));
    BOOST_TEST(q.keys() == 0U);
    BOOST_TEST(q.held() == 0U);
    q.push("a", 1);
    BOOST_TEST(!q.pop(start + 15s).place.is_probe());
}

BOOST_AUTO_TEST_CASE(a_hold_that_is_too_long_says_so)
{
    queue q(weir::key_options(10).max_hold(10s));
    q.push("a", 1);
    BOOST_TEST((q.hold("a", start + 10s, start) == hold_result::held));
    BOOST_TEST((q.hold("a", start + 10s + 1ns, start) == hold_result::too_long));
    BOOST_TEST((q.hold("a", start + 1s, start) == hold_result::too_long)); // it is not shortened
    BOOST_TEST(*q.take("a") == 1);
    BOOST_TEST((q.hold("b", time_point::max(), time_point::max() - 1s) == hold_result::held));
}

BOOST_AUTO_TEST_CASE(no_more_keys_are_held_than_may_be)
{
    queue q(weir::key_options(10).max_held(2));
    BOOST_TEST((q.hold("a", start + 1s, start) == hold_result::held));
    BOOST_TEST((q.hold("b", start + 1s, start) == hold_result::held));
    BOOST_TEST((q.hold("c", start + 1s, start) == hold_result::refused));
    BOOST_TEST((q.hold("b", start + 2s, start) == hold_result::held)); // this one is
    BOOST_TEST(q.keys() == 2U);
    BOOST_TEST(q.held() == 2U);
    q.push("c", 1);
    BOOST_TEST(bool(q.pop(start)));
    q.resume("a");
    BOOST_TEST((q.hold("c", start + 1s, start) == hold_result::held));
}

BOOST_AUTO_TEST_CASE(a_hold_that_is_long_over_makes_room_for_another)
{
    queue q(weir::key_options(10).max_hold(10s).max_held(200));
    for (int i = 0; i < 200; ++i)
        BOOST_TEST((q.hold(std::to_string(i), start + 1s, start) == hold_result::held));
    const auto later = start + 10s;
    BOOST_TEST((q.hold("c", later + 1s, later) == hold_result::refused)); // they are remembered
    for (int i = 200; i < 400; ++i)
        BOOST_TEST((q.hold(std::to_string(i), later + 5s, later + 1s) == hold_result::held));
    BOOST_TEST(q.keys() == 200U);
}

BOOST_AUTO_TEST_CASE(a_key_with_an_override_has_its_own_limit_until_it_ends)
{
    queue q(1);
    BOOST_TEST(q.override_key("a", 3, 1, start + 10s));
    BOOST_TEST(q.overridden() == 1U);
    for (int i = 0; i < 5; ++i) {
        q.push("a", i);
        q.push("b", 10 + i);
    }
    std::vector<place> places;
    BOOST_TEST(drain(q, places) == (numbers{0, 10, 1, 2}), boost::test_tools::per_element());
    for (place& p : places)
        q.done(p);
    BOOST_TEST(drain(q, start + 10s) == (numbers{3, 11}), boost::test_tools::per_element());
    BOOST_TEST(q.overridden() == 0U);
}

BOOST_AUTO_TEST_CASE(an_override_can_pause_a_key_and_its_end_lets_it_go_on)
{
    queue q(1);
    q.push("a", 1);
    BOOST_TEST(q.override_key("a", weir::paused, 1, start + 10s));
    BOOST_TEST((q.pop(start).again == start + 10s));
    q.reset_key("a");
    BOOST_TEST(bool(q.pop(start)));
    BOOST_TEST(q.override_key("a", weir::paused)); // without an end
    q.push("a", 2);
    BOOST_TEST((q.pop(start + 1'000h).again == time_point::max()));
}

BOOST_AUTO_TEST_CASE(no_more_keys_are_overridden_than_may_be_and_unused_ones_expire)
{
    queue q(weir::key_options(1).max_overridden(1));
    BOOST_TEST(q.override_key("a", 3, 1, start + 1s));
    BOOST_TEST(!q.override_key("b", 3));
    BOOST_TEST(q.override_key("a", 4, 1, start + 2s));
    BOOST_TEST(q.keys() == 1U);
    BOOST_TEST(!q.pop(start + 2s));
    BOOST_TEST(q.keys() == 0U);
    BOOST_TEST(q.override_key("b", 3));
    q.reset_key("b");
    q.reset_key("never seen");
    BOOST_TEST(q.keys() == 0U);
}

BOOST_AUTO_TEST_CASE(another_limit_lets_more_out_and_revokes_nothing)
{
    queue q(1);
    for (int i = 0; i < 4; ++i) {
        q.push("a", i);
        q.push("b", 10 + i);
    }
    std::vector<place> places;
    BOOST_TEST(drain(q, places) == (numbers{0, 10}), boost::test_tools::per_element());
    q.resize(3);
    BOOST_TEST(drain(q, places) == (numbers{1, 11, 2, 12}), boost::test_tools::per_element());
    q.resize(2);
    BOOST_TEST(q.running("a") == 3U);
    q.done(places[0]);
    BOOST_TEST(!q.pop(start));
    q.done(places[2]);
    BOOST_TEST(drain(q) == (numbers{3}), boost::test_tools::per_element());
    q.resize(weir::paused);
    BOOST_TEST(!q.ready(start));
    BOOST_TEST(q.limit().is_paused());
    q.resize(weir::unlimited);
    BOOST_TEST(q.ready(start));
}

BOOST_AUTO_TEST_CASE(a_lowered_limit_counts_for_keys_that_were_ready)
{
    queue q(2);
    q.push("a", 1);
    q.push("a", 2);
    BOOST_TEST(bool(q.pop(start)));
    q.resize(1); // `a` stands in the ring
    BOOST_TEST(!q.pop(start));
    BOOST_TEST(q.queued() == 1U);
}

// Whatever the hash, an answer is right; only slower.
struct worst_hash {
    std::size_t operator()(int) const noexcept { return 0; }
};

BOOST_AUTO_TEST_CASE(keys_of_one_hash_are_kept_apart)
{
    weir::schedule<int, int, worst_hash> q(1);
    std::mt19937 random(11);
    std::map<int, weir::schedule<int, int, worst_hash>::place> running;
    for (int step = 0; step < 20'000; ++step) {
        const int key = static_cast<int>(random() % 100);
        if (const auto it = running.find(key); it != running.end()) {
            q.done(it->second);
            running.erase(it);
        } else {
            q.push(key, key);
            auto next = q.pop(start);
            BOOST_REQUIRE(next);
            BOOST_REQUIRE_EQUAL(next.place.key(), key);
            running[key] = std::move(next.place);
        }
        BOOST_REQUIRE_EQUAL(q.keys(), running.size());
    }
}

// A key of which every third copy fails, and every other hash.
struct moody {
    moody(int n) : number(n) {}
    moody(const moody& other) : number(other.number)
    {
        if (copies++ % 3 == 2)
            throw std::bad_alloc();
    }
    moody& operator=(const moody&) = delete;
    bool operator==(const moody& other) const noexcept { return number == other.number; }

    int number;
    static inline int copies = 0;
};
struct moody_hash {
    std::size_t operator()(const moody& m) const noexcept
    {
        return static_cast<std::size_t>(m.number);
    }
};

BOOST_AUTO_TEST_CASE(a_key_that_cannot_be_copied_leaves_nothing_behind)
{
    weir::schedule<moody, std::unique_ptr<int>, moody_hash> q(1);
    std::size_t pushed = 0;
    for (int i = 0; i < 100; ++i) {
        try {
            q.push(moody(i), std::make_unique<int>(i));
            ++pushed;
        } catch (const std::bad_alloc&) {
        }
        BOOST_REQUIRE_EQUAL(q.queued(), pushed);
        BOOST_REQUIRE_EQUAL(q.keys(), pushed);
    }
    BOOST_TEST(pushed == 67U);
    std::size_t popped = 0;
    while (auto next = q.pop(start)) { // copies no key
        BOOST_REQUIRE_EQUAL(**next.item, next.place.key().number);
        q.done(next.place);
        ++popped;
    }
    BOOST_TEST(popped == pushed);
    BOOST_TEST(q.keys() == 0U);
}

struct fragile {
    explicit fragile(int n) : number(n) {}
    fragile(fragile&& other) : number(other.number)
    {
        if (failing)
            throw std::runtime_error("not now");
    }
    fragile& operator=(fragile&&) = delete;

    int number;
    static inline bool failing = false;
};

BOOST_AUTO_TEST_CASE(an_item_whose_move_throws_stays_in_its_place)
{
    weir::schedule<int, fragile> q(1);
    q.push(1, fragile(7));
    fragile::failing = true;
    BOOST_CHECK_THROW((void)q.pop(start), std::runtime_error);
    BOOST_CHECK_THROW((void)q.take(1), std::runtime_error);
    BOOST_CHECK_THROW((void)q.take_any(), std::runtime_error);
    fragile::failing = false;
    BOOST_TEST(q.queued() == 1U);
    BOOST_TEST(q.running() == 0U);
    BOOST_TEST(q.pop(start).item->number == 7);
}

struct alignas(64) wide_key {
    int number = 0;
    bool operator==(const wide_key&) const = default;
};
struct wide_hash {
    std::size_t operator()(const wide_key& k) const noexcept
    {
        return static_cast<std::size_t>(k.number);
    }
};

BOOST_AUTO_TEST_CASE(keys_may_have_any_alignment)
{
    weir::schedule<wide_key, int, wide_hash> q(1);
    for (int i = 0; i < 100; ++i)
        q.push(wide_key{i}, i);
    while (auto next = q.pop(start))
        BOOST_REQUIRE_EQUAL(reinterpret_cast<std::uintptr_t>(&next.place.key()) % 64, 0U);
}

// Against the plainest thing that could be right: a deque for each key.
BOOST_AUTO_TEST_CASE(random_steps_agree_with_a_naive_model)
{
    struct model {
        std::deque<std::pair<int, std::size_t>> waiting;
        std::vector<place> running;
        std::size_t cost = 0;
        std::size_t limit = 3;
        time_point held = time_point::min();
        bool probing = false;
        bool probe_out = false;
        bool may_go(time_point now) const
        {
            return !waiting.empty() && held <= now && !(probing && probe_out) &&
                   (cost == 0 || waiting.front().second + cost <= limit);
        }
    };
    std::mt19937 random(7);
    const auto any = [&random](unsigned n) { return static_cast<int>(random() % n); };
    queue q(weir::key_options(3).max_hold(1'000'000h));
    std::map<std::string, model> all;
    time_point now = start;
    std::size_t count = 0;
    int next_item = 0;
    for (int step = 0; step < 200'000; ++step) {
        const std::string key(1, static_cast<char>('a' + any(6)));
        model& m = all[key];
        switch (any(12)) {
        case 0:
        case 1:
        case 2: {
            const auto cost = static_cast<std::size_t>(1 + any(4));
            if (any(4) == 0) {
                m.waiting.emplace_front(next_item, cost);
                q.push_front(key, next_item++, cost);
            } else {
                m.waiting.emplace_back(next_item, cost);
                q.push(key, next_item++, cost);
            }
            ++count;
            break;
        }
        case 3:
        case 4:
        case 5:
            if (auto out = q.pop(now)) {
                model& its = all[out.place.key()];
                BOOST_REQUIRE(its.may_go(now));
                BOOST_REQUIRE_EQUAL(its.waiting.front().first, *out.item);
                BOOST_REQUIRE_EQUAL(its.waiting.front().second, out.place.cost());
                BOOST_REQUIRE_EQUAL(its.probing, out.place.is_probe());
                its.probe_out = its.probing;
                its.waiting.pop_front();
                its.cost += out.place.cost();
                its.running.push_back(std::move(out.place));
                --count;
            } else {
                time_point again = time_point::max();
                for (const auto& [k, one] : all) {
                    BOOST_REQUIRE(!one.may_go(now));
                    if (!one.waiting.empty() && one.held > now)
                        again = std::min(again, one.held);
                }
                BOOST_REQUIRE((out.again == again));
            }
            break;
        case 6:
        case 7:
        case 8:
        case 9:
            if (!m.running.empty()) {
                const bool well = any(2) == 0;
                place p = std::move(m.running.back());
                m.running.pop_back();
                m.cost -= p.cost();
                // A probe of this hold: the others had their flag taken at the next hold.
                if (p.is_probe() && m.probe_out) {
                    m.probe_out = false;
                    m.probing = !well;
                }
                if (well)
                    q.done(p);
                else
                    q.failed(p);
            }
            break;
        case 10: {
            // No older probe may be out, or the model would have to tell them apart.
            if (std::any_of(m.running.begin(), m.running.end(),
                            [](const place& p) { return p.is_probe(); }))
                break;
            const time_point until = now + std::chrono::seconds(any(20) - 2);
            BOOST_REQUIRE((q.hold(key, until, now) == hold_result::held));
            if (until > now) {
                m.held = std::max(m.held, until);
                m.probing = true;
            }
            break;
        }
        default:
            now += std::chrono::seconds(any(4));
            if (any(50) == 0) {
                q.resume(key);
                m.held = time_point::min();
                m.probing = m.probe_out = false;
            }
        }
        BOOST_REQUIRE_EQUAL(q.queued(), count);
        BOOST_REQUIRE_EQUAL(q.running(key), m.cost);
        BOOST_REQUIRE_EQUAL(q.queued(key), m.waiting.size());
    }
}

BOOST_AUTO_TEST_CASE(a_key_whose_probe_takes_long_is_not_forgotten)
{
    weir::schedule<std::string, int> keys(weir::key_options(weir::limit(4)).max_hold(10s));
    const weir::time_point begin{};
    BOOST_TEST((keys.hold("a", begin + 5s, begin) == hold_result::held));
    keys.push("a", 1);
    auto probe = keys.pop(begin + 5s);
    BOOST_REQUIRE(bool(probe));
    BOOST_TEST(probe.place.is_probe());
    BOOST_TEST(!keys.pop(begin + 60s));
    keys.push("a", 2);
    BOOST_TEST(!keys.pop(begin + 60s)); // the probe is still under way
    keys.done(probe.place);
    auto next = keys.pop(begin + 60s);
    BOOST_TEST(bool(next));
    keys.done(next.place);
}

BOOST_AUTO_TEST_CASE(an_override_that_ended_leaves_one_turn)
{
    for (const bool expires : {false, true}) {
        weir::schedule<std::string, char> keys(weir::limit(1000));
        const weir::time_point begin{};
        BOOST_TEST(keys.override_key("a", weir::limit(1000), 4, begin + 10s));
        for (int i = 0; i < 100; ++i) {
            keys.push("a", 'a');
            keys.push("b", 'b');
        }
        if (!expires)
            keys.reset_key("a");
        std::string order;
        std::vector<decltype(keys)::place> places;
        for (int i = 0; i < 20; ++i) {
            auto next = keys.pop(begin + 20s);
            order += *next.item;
            places.push_back(std::move(next.place));
        }
        BOOST_TEST(order == "abababababababababab");
        for (auto& each : places)
            keys.done(each);
    }
}

BOOST_AUTO_TEST_CASE(a_place_that_was_moved_from_is_empty)
{
    queue q(1);
    q.push("a", 1);
    auto next = q.pop(start);
    place second = std::move(next.place);
    BOOST_TEST(!next.place); // moved from, and looked at on purpose
    BOOST_TEST(bool(second));
    place third;
    third = std::move(second);
    BOOST_TEST(!second);
    q.done(third);
    BOOST_TEST(!third);
    BOOST_TEST(q.running() == 0U);
}

BOOST_AUTO_TEST_CASE(costs_beyond_the_largest_number_do_not_look_like_few)
{
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    queue work(1);
    work.push("a", 1, most);
    work.push("b", 2, most);
    auto first = work.pop(start);
    BOOST_TEST(work.running() == most);
    auto second = work.pop(start);
    BOOST_TEST(work.running() == most);
    work.done(first.place);
    BOOST_TEST(work.running() == most);
    work.done(second.place);
    BOOST_TEST(work.running() == 0U);
}

// So many that they are not all looked at in one step, and those first in turn at last.
BOOST_AUTO_TEST_CASE(an_override_that_is_over_lets_no_more_out)
{
    queue work(1);
    for (int key = 0; key < 200; ++key) {
        BOOST_TEST(work.override_key(std::to_string(key), 2, 2, start + 1s - key * 1ns));
        work.push(std::to_string(key), key);
        work.push(std::to_string(key), key);
    }
    std::vector<place> places;
    BOOST_TEST(drain(work, places, start + 1s).size() == 200U);
    for (int key = 0; key < 200; ++key)
        BOOST_TEST(work.running(std::to_string(key)) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
