#include <weir/policy/breaker.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(breaker)

using state = weir::breaker_state;
using breaker = weir::breaker<std::string>;

const weir::time_point start{};

void fail(breaker& of, const std::string& key, weir::time_point now, int times)
{
    for (int n = 0; n < times; ++n) {
        auto pass = of.try_enter(key, now);
        BOOST_REQUIRE(bool(pass));
        pass.failed(now);
    }
}

void succeed(breaker& of, const std::string& key, weir::time_point now, int times)
{
    for (int n = 0; n < times; ++n) {
        auto pass = of.try_enter(key, now);
        BOOST_REQUIRE(bool(pass));
        pass.succeeded(now);
    }
}

weir::breaker_options three_of_five()
{
    weir::breaker_options options;
    options.window(5).failures(3).open_for(10s);
    return options;
}

BOOST_AUTO_TEST_CASE(it_opens_after_enough_failures_and_refuses_that_key_alone)
{
    breaker hosts(three_of_five());
    fail(hosts, "a", start, 2);
    succeed(hosts, "a", start, 1);
    BOOST_TEST((hosts.state("a", start) == state::closed));
    fail(hosts, "a", start, 1);
    BOOST_TEST((hosts.state("a", start) == state::open));
    BOOST_TEST(!hosts.try_enter("a", start + 9s));
    BOOST_TEST((hosts.refuses_until("a", start) == start + 10s));
    BOOST_TEST(hosts.refused() == 1U);
    BOOST_TEST(hosts.broken() == 1U);
    succeed(hosts, "b", start, 1);
    BOOST_TEST(!hosts.refuses_until("b", start).has_value());
}

BOOST_AUTO_TEST_CASE(failures_older_than_the_window_do_not_count)
{
    breaker hosts(three_of_five());
    for (int round = 0; round < 10; ++round) {
        fail(hosts, "a", start, 2);
        succeed(hosts, "a", start, 3);
    }
    BOOST_TEST((hosts.state("a", start) == state::closed));
    succeed(hosts, "a", start, 2);
    BOOST_TEST(hosts.keys() == 0U); // none of its latest five failed: it is as good as unknown
}

BOOST_AUTO_TEST_CASE(slow_calls_open_it_too)
{
    weir::breaker_options options = three_of_five();
    options.slow(1s, 2);
    breaker hosts(options);
    const auto call = [&](weir::duration length) {
        auto pass = hosts.try_enter("a", start);
        BOOST_REQUIRE(bool(pass));
        pass.succeeded(start + length);
    };
    call(1s - 1ns);
    BOOST_TEST(hosts.keys() == 0U);
    call(1s);
    call(5ms);
    BOOST_TEST((hosts.state("a", start) == state::closed));
    call(2s);
    BOOST_TEST((hosts.state("a", start) == state::open));
    // A slow probe is no good one.
    auto probe = hosts.try_enter("a", start + 12s);
    BOOST_REQUIRE(bool(probe));
    probe.succeeded(start + 14s);
    BOOST_TEST((hosts.state("a", start + 14s) == state::open));
    BOOST_TEST((hosts.refuses_until("a", start + 14s) == start + 24s));
}

BOOST_AUTO_TEST_CASE(after_a_while_a_bounded_number_of_probes_decides)
{
    weir::breaker_options options = three_of_five();
    options.probes(2);
    breaker hosts(options);
    fail(hosts, "a", start, 3);
    BOOST_TEST((hosts.state("a", start + 10s) == state::half_open));
    auto one = hosts.try_enter("a", start + 10s);
    auto two = hosts.try_enter("a", start + 10s);
    BOOST_TEST(bool(one));
    BOOST_TEST(bool(two));
    BOOST_TEST(!hosts.try_enter("a", start + 10s));
    one.succeeded(start + 11s);
    BOOST_TEST(!hosts.try_enter("a", start + 11s)); // the second must be good, too
    two.succeeded(start + 11s);
    BOOST_TEST((hosts.state("a", start + 11s) == state::closed));
    BOOST_TEST(hosts.keys() == 0U);
    fail(hosts, "a", start + 11s, 2); // it begins anew
    BOOST_TEST((hosts.state("a", start + 11s) == state::closed));
    fail(hosts, "a", start + 11s, 1);
    auto three = hosts.try_enter("a", start + 21s);
    auto four = hosts.try_enter("a", start + 21s);
    three.failed(start + 22s);
    BOOST_TEST((hosts.state("a", start + 22s) == state::open));
    four.succeeded(start + 22s); // too late
    BOOST_TEST((hosts.state("a", start + 31s) == state::open));
    BOOST_TEST((hosts.state("a", start + 32s) == state::half_open));
}

BOOST_AUTO_TEST_CASE(a_key_with_room_for_a_probe_refuses_until_no_later_time)
{
    weir::breaker_options options = three_of_five();
    options.probes(2);
    breaker hosts(options);
    fail(hosts, "a", start, 3);
    BOOST_TEST((hosts.refuses_until("a", start + 9s) == start + 10s));
    BOOST_TEST(!hosts.refuses_until("a", start + 10s).has_value());
    const auto one = hosts.try_enter("a", start + 10s);
    BOOST_TEST(!hosts.refuses_until("a", start + 10s).has_value()); // the second may go now
    {
        const auto two = hosts.try_enter("a", start + 10s);
        BOOST_TEST((hosts.refuses_until("a", start + 10s) == start + 20s));
    }
    BOOST_TEST(!hosts.refuses_until("a", start + 10s).has_value()); // it was given up
}

BOOST_AUTO_TEST_CASE(a_probe_that_is_given_up_makes_room_for_another)
{
    breaker hosts(three_of_five());
    fail(hosts, "a", start, 3);
    {
        const auto given_up = hosts.try_enter("a", start + 10s);
        BOOST_TEST(bool(given_up));
        BOOST_TEST(!hosts.try_enter("a", start + 10s));
    }
    BOOST_TEST((hosts.state("a", start + 10s) == state::half_open));
    succeed(hosts, "a", start + 10s, 1);
    BOOST_TEST((hosts.state("a", start + 10s) == state::closed));
}

BOOST_AUTO_TEST_CASE(a_probe_that_hangs_does_not_keep_a_key_broken_forever)
{
    breaker hosts(three_of_five());
    fail(hosts, "a", start, 3);
    auto hangs = hosts.try_enter("a", start + 10s);
    BOOST_REQUIRE(bool(hangs));
    BOOST_TEST(!hosts.try_enter("a", start + 19s));
    auto next = hosts.try_enter("a", start + 20s);
    BOOST_REQUIRE(bool(next));
    BOOST_TEST(!hosts.try_enter("a", start + 20s));
    hangs.failed(start + 21s); // what it says comes too late
    BOOST_TEST((hosts.state("a", start + 21s) == state::half_open));
    next.succeeded(start + 21s);
    BOOST_TEST((hosts.state("a", start + 21s) == state::closed));
}

BOOST_AUTO_TEST_CASE(a_probe_that_hangs_makes_room_whatever_other_probes_do)
{
    weir::breaker_options options;
    options.window(1).failures(1).open_for(10s).probes(10);
    breaker hosts(options);
    fail(hosts, "a", start, 1);
    auto now = start + 10s;
    auto hangs = hosts.try_enter("a", now);
    BOOST_REQUIRE(bool(hangs));
    for (int n = 0; n < 8; ++n) {
        now += 1s;
        succeed(hosts, "a", now, 1);
    }
    now += 1s;
    auto last = hosts.try_enter("a", now); // is out, and does not hang yet
    BOOST_REQUIRE(bool(last));
    BOOST_TEST(!hosts.try_enter("a", now));
    BOOST_TEST((hosts.refuses_until("a", now) == start + 20s));
    now = start + 20s;
    BOOST_TEST(!hosts.refuses_until("a", now).has_value());
    auto next = hosts.try_enter("a", now);
    BOOST_REQUIRE(bool(next));
    BOOST_TEST(!hosts.try_enter("a", now)); // room for one
    BOOST_TEST((hosts.refuses_until("a", now) == start + 29s));
    last.succeeded(now);
    hangs.failed(now); // what it says comes too late
    BOOST_TEST((hosts.state("a", now) == state::half_open));
    next.succeeded(now);
    BOOST_TEST((hosts.state("a", now) == state::closed));
}

// Or one that answers more slowly than that would never be asked again.
BOOST_AUTO_TEST_CASE(a_probe_that_succeeds_after_another_took_its_place_counts)
{
    breaker hosts(three_of_five());
    fail(hosts, "a", start, 3);
    auto slow = hosts.try_enter("a", start + 10s);
    auto next = hosts.try_enter("a", start + 20s);
    BOOST_REQUIRE(bool(next));
    slow.succeeded(start + 22s);
    BOOST_TEST((hosts.state("a", start + 22s) == state::closed));
    next.failed(start + 23s); // of an outage that is over
    BOOST_TEST((hosts.state("a", start + 23s) == state::closed));
}

BOOST_AUTO_TEST_CASE(a_probe_of_an_earlier_outage_counts_for_nothing)
{
    breaker hosts(three_of_five());
    fail(hosts, "a", start, 3);
    auto early = hosts.try_enter("a", start + 10s);
    fail(hosts, "a", start + 20s, 1); // in its place, and opens it again
    BOOST_TEST((hosts.state("a", start + 21s) == state::open));
    auto probe = hosts.try_enter("a", start + 30s);
    BOOST_REQUIRE(bool(probe));
    early.succeeded(start + 31s);
    BOOST_TEST((hosts.state("a", start + 31s) == state::half_open));
    probe.failed(start + 32s);
    BOOST_TEST((hosts.state("a", start + 33s) == state::open));
}

BOOST_AUTO_TEST_CASE(it_counts_the_keys_that_refuse_a_call_now)
{
    breaker hosts(three_of_five());
    fail(hosts, "a", start, 3);
    fail(hosts, "b", start + 1s, 3);
    BOOST_TEST(hosts.refusing(start + 1s) == 2U);
    BOOST_TEST(hosts.refusing(start + 10s) == 1U);
    auto probe = hosts.try_enter("a", start + 10s);
    BOOST_TEST(hosts.refusing(start + 10s) == 2U);
    BOOST_TEST(hosts.refusing(start + 20s) == 0U);
    BOOST_TEST(hosts.broken() == 2U);
    probe.succeeded(start + 20s);
}

// Nine probes, nine seconds apart.
BOOST_AUTO_TEST_CASE(a_probe_that_hangs_makes_room_after_open_for)
{
    weir::breaker_options options;
    options.window(1).failures(1).open_for(10s).probes(10);
    breaker hosts(options);
    fail(hosts, "a", start, 1);
    const auto hangs = hosts.try_enter("a", start + 10s);
    BOOST_REQUIRE(bool(hangs));
    for (int n = 1; n <= 9; ++n)
        succeed(hosts, "a", start + 10s + n * 9s, 1);
    succeed(hosts, "a", start + 91s, 1);
    BOOST_TEST((hosts.state("a", start + 91s) == state::closed));
}

BOOST_AUTO_TEST_CASE(a_call_from_before_it_opened_counts_for_nothing_while_it_is_broken)
{
    breaker hosts(three_of_five());
    auto early = hosts.try_enter("a", start), other = hosts.try_enter("a", start);
    fail(hosts, "a", start, 3);
    early.failed(start + 5s);
    BOOST_TEST((hosts.refuses_until("a", start + 5s) == start + 10s)); // no longer than it was
    auto probe = hosts.try_enter("a", start + 10s);
    other.succeeded(start + 11s);
    BOOST_TEST((hosts.state("a", start + 11s) == state::half_open));
    probe.succeeded(start + 11s);
}

BOOST_AUTO_TEST_CASE(a_pass_says_one_thing_once_and_moves)
{
    breaker hosts(three_of_five());
    auto pass = hosts.try_enter("a", start);
    auto moved = std::move(pass);
    BOOST_TEST(!pass);
    moved.failed(start);
    moved.failed(start);
    BOOST_TEST(!moved);
    moved = hosts.try_enter("a", start);
    moved = breaker::pass(); // given up
    fail(hosts, "a", start, 1);
    BOOST_TEST((hosts.state("a", start) == state::closed)); // two failures so far
    moved = hosts.try_enter("a", start);
    auto& same = moved;
    moved = std::move(same);
    BOOST_TEST(bool(moved));
    moved.failed(start);
    BOOST_TEST((hosts.state("a", start) == state::open));
    std::optional<breaker::pass> outlives;
    {
        breaker gone;
        outlives = gone.try_enter("a", start);
    }
    outlives->failed(start);
}

BOOST_AUTO_TEST_CASE(closed_keys_make_room_first_and_evicted_open_ones_are_counted)
{
    weir::breaker_options options = three_of_five();
    options.max_keys(2);
    breaker hosts(options);
    fail(hosts, "open", start, 3);
    fail(hosts, "closed", start + 1s, 1);
    fail(hosts, "newer", start + 2s, 2);
    BOOST_TEST(hosts.keys() == 2U);
    BOOST_TEST(hosts.evicted_open() == 0U);
    BOOST_TEST((hosts.state("open", start + 2s) == state::open));
    fail(hosts, "newer", start + 2s, 1);
    BOOST_TEST(hosts.broken() == 2U);
    BOOST_TEST(!hosts.try_enter("open", start + 3s)); // it was used later than the other
    fail(hosts, "another", start + 4s, 1);
    BOOST_TEST(hosts.keys() == 2U);
    BOOST_TEST(hosts.evicted_open() == 1U);
    BOOST_TEST((hosts.state("open", start + 4s) == state::open));
    BOOST_TEST((hosts.state("newer", start + 4s) == state::closed));
}

BOOST_AUTO_TEST_CASE(keys_without_use_are_forgotten_and_open_ones_later)
{
    weir::breaker_options options = three_of_five();
    options.forget_after(60s);
    breaker hosts(options);
    fail(hosts, "closed", start, 2);
    fail(hosts, "open", start, 3);
    BOOST_TEST(hosts.keys() == 2U);
    succeed(hosts, "other", start + 59s, 1);
    BOOST_TEST(hosts.keys() == 2U);
    succeed(hosts, "other", start + 60s, 1);
    BOOST_TEST(hosts.keys() == 1U);
    BOOST_TEST((hosts.state("open", start + 60s) == state::half_open));
    succeed(hosts, "other", start + 69s, 1);
    BOOST_TEST(hosts.keys() == 1U);
    succeed(hosts, "other", start + 70s, 1);
    BOOST_TEST(hosts.keys() == 0U);
    BOOST_TEST(hosts.evicted_open() == 0U);
}

// The result of a probe must not be taken for that of another time, or of a key known anew.
BOOST_AUTO_TEST_CASE(a_probe_of_a_forgotten_key_counts_for_nothing)
{
    weir::breaker_options options = three_of_five();
    options.max_keys(1);
    breaker hosts(options);
    fail(hosts, "a", start, 3);
    auto probe = hosts.try_enter("a", start + 10s);
    fail(hosts, "b", start + 10s, 1); // forgets the first
    BOOST_TEST(hosts.evicted_open() == 1U);
    auto closed = hosts.try_enter("a", start + 10s);
    probe.failed(start + 10s);
    BOOST_TEST(hosts.evicted_open() == 1U);
    BOOST_TEST(hosts.keys() == 1U);
    closed.failed(start + 10s);
    fail(hosts, "a", start + 10s, 2);
    auto second = hosts.try_enter("a", start + 20s);
    BOOST_TEST(bool(second));
    second.succeeded(start + 20s);
    BOOST_TEST(hosts.keys() == 0U);
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused)
{
    weir::breaker_options options;
    BOOST_CHECK_THROW(options.window(0), std::invalid_argument);
    BOOST_CHECK_THROW(options.window(65), std::invalid_argument);
    BOOST_CHECK_THROW(options.failures(0), std::invalid_argument);
    BOOST_CHECK_THROW(options.slow(0s, 1), std::invalid_argument);
    BOOST_CHECK_THROW(options.slow(1s, 0), std::invalid_argument);
    BOOST_CHECK_THROW(options.open_for(0s), std::invalid_argument);
    BOOST_CHECK_THROW(options.probes(0), std::invalid_argument);
    BOOST_CHECK_THROW(options.max_keys(0), std::invalid_argument);
    BOOST_CHECK_THROW(options.forget_after(0s), std::invalid_argument);
    std::set<std::string> names;
    for (const auto one : {state::closed, state::open, state::half_open})
        names.insert(weir::to_string(one));
    BOOST_TEST(names.size() == 3U);
    BOOST_TEST(names.count("unknown") == 0U);
}

/// What a breaker should do with one key, written for clarity: it keeps every call.
class model {
public:
    explicit model(const weir::breaker_options& options) : options_(options) {}

    struct call {
        int number;
        weir::time_point began;
        int outage; // that it is a probe of; 0 when it is none
    };

    std::optional<call> enter(weir::time_point now)
    {
        if (!is_broken_)
            return call{++calls_, now, 0};
        if (!probing_ && now < refuses_until_)
            return std::nullopt;
        if (probing_ && good_probes_ + out_.size() >= options_.probes()) {
            const auto hangs = [&](const auto& probe) {
                return now >= probe.second + options_.open_for();
            };
            if (std::erase_if(out_, hangs) == 0)
                return std::nullopt;
        }
        probing_ = true;
        out_[++calls_] = now;
        return call{calls_, now, outages_};
    }

    void ended(const call& c, weir::detail::breaker_result result, weir::time_point now)
    {
        using weir::detail::breaker_result;
        const bool slow = now - c.began >= options_.slow();
        if (!is_broken_) {
            if (c.outage != 0 || result == breaker_result::unknown)
                return;
            latest_.push_front({result == breaker_result::failed, slow});
            if (latest_.size() > options_.window())
                latest_.pop_back();
            const auto count = [&](auto which) {
                return static_cast<std::size_t>(
                    std::count_if(latest_.begin(), latest_.end(), which));
            };
            if (count([](const auto& one) { return one.first; }) >= options_.failures() ||
                count([](const auto& one) { return one.second; }) >= options_.slow_calls())
                opens(now);
            return;
        }
        if (c.outage != outages_)
            return;
        const bool was_replaced = out_.erase(c.number) == 0;
        if (result == breaker_result::unknown)
            return;
        if ((result == breaker_result::failed || slow) && !was_replaced)
            opens(now);
        else if (result == breaker_result::failed || slow)
            return;
        else if (++good_probes_ == options_.probes())
            is_broken_ = false;
    }

    state now_is(weir::time_point now) const
    {
        if (!is_broken_)
            return state::closed;
        return probing_ || now >= refuses_until_ ? state::half_open : state::open;
    }

private:
    void opens(weir::time_point now)
    {
        is_broken_ = true;
        ++outages_;
        probing_ = false;
        good_probes_ = 0;
        out_.clear();
        latest_.clear();
        refuses_until_ = now + options_.open_for();
    }

    weir::breaker_options options_;
    bool is_broken_ = false, probing_ = false;
    std::deque<std::pair<bool, bool>> latest_;
    std::map<int, weir::time_point> out_;
    std::size_t good_probes_ = 0;
    weir::time_point refuses_until_;
    int calls_ = 0;
    int outages_ = 0;
};

BOOST_AUTO_TEST_CASE(random_histories_go_as_in_a_simple_model)
{
    using weir::detail::breaker_result;
    std::mt19937_64 random(1);
    const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
    std::map<state, int> seen;
    int refusals = 0;
    for (int round = 0; round < 400; ++round) {
        weir::breaker_options options;
        options.window(1 + below(random() % 8 == 0 ? 64 : 8)).failures(1 + below(6));
        options.open_for(weir::duration(1 + below(60))).probes(1 + below(3));
        if (below(2) == 0)
            options.slow(weir::duration(1 + below(30)), 1 + below(4));
        options.forget_after(1h);
        weir::detail::breaker_table<int> table(options);
        std::map<int, model> models;
        struct running {
            int key;
            weir::detail::breaker_ticket ticket;
            model::call call;
        };
        std::vector<running> under_way;
        weir::time_point now = start;
        const std::size_t share_of_failures = below(10);
        for (int step = 0; step < 500; ++step) {
            now += weir::duration(below(12));
            if (under_way.empty() || (under_way.size() < 12 && below(2) == 0)) {
                const int key = static_cast<int>(below(3));
                model& simple = models.try_emplace(key, options).first->second;
                const auto ticket = table.enter(key, now);
                const auto call = simple.enter(now);
                BOOST_REQUIRE_EQUAL(ticket.has_value(), call.has_value());
                if (ticket)
                    under_way.push_back({key, *ticket, *call});
                refusals += ticket ? 0 : 1;
            } else {
                const std::size_t which = below(under_way.size());
                const running r = under_way[which];
                under_way.erase(under_way.begin() + static_cast<long>(which));
                const breaker_result result = below(10) == 0 ? breaker_result::unknown
                                              : below(10) < share_of_failures
                                                  ? breaker_result::failed
                                                  : breaker_result::succeeded;
                table.left(r.key, r.ticket, result, now);
                models.at(r.key).ended(r.call, result, now);
            }
            for (const auto& [key, simple] : models) {
                const state is = table.state(key, now);
                BOOST_REQUIRE((is == simple.now_is(now)));
                ++seen[is];
            }
        }
    }
    BOOST_TEST(seen[state::closed] > 10'000);
    BOOST_TEST(seen[state::open] > 10'000);
    BOOST_TEST(seen[state::half_open] > 10'000);
    BOOST_TEST(refusals > 10'000);
}

// However many keys there are: the bound holds, and what is kept is in one of two lists.
BOOST_AUTO_TEST_CASE(random_keys_never_take_more_places_than_there_are)
{
    using weir::detail::breaker_result;
    std::mt19937_64 random(2);
    weir::breaker_options options;
    options.window(4).failures(2).open_for(50ns).max_keys(16).forget_after(500ns);
    weir::detail::breaker_table<std::uint64_t> table(options);
    weir::time_point now = start;
    for (int step = 0; step < 100'000; ++step) {
        now += weir::duration(static_cast<int>(random() % 4));
        const std::uint64_t key = random() % 60;
        if (const auto ticket = table.enter(key, now))
            table.left(key, *ticket,
                       random() % 2 == 0 ? breaker_result::failed : breaker_result::succeeded, now);
        BOOST_REQUIRE(table.keys() <= 16U);
        BOOST_REQUIRE(table.broken() <= table.keys());
    }
    BOOST_TEST(table.evicted_open() > 0U);
    const std::size_t kept = table.keys();
    BOOST_TEST(kept > 8U);
    for (int step = 0; step < 16; ++step)
        (void)table.enter(1'000, now + 1h);
    BOOST_TEST(table.keys() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
