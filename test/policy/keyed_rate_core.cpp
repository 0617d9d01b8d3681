// The rule of a rate for each key, against a bucket and a line for each key in a map.
#include "support/repeats.hpp"
#include <weir/policy/detail/keyed_rate_core.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::rate;
using weir::time_point;
using weir::detail::acquire_result;
using weir::detail::gcra;
using weir::detail::gcra_rule;

namespace {

// Half of the keys have the same hash.
struct poor_hash {
    std::size_t operator()(int key) const noexcept { return key % 2 == 0 ? 7U : std::size_t(key); }
};
using core = weir::detail::keyed_rate_core<int, poor_hash>;

struct settling {
    std::set<int> granted, too_large, closed;
};

struct waiter final : core::node {
    waiter(const core& c, int i, int k, std::size_t w, settling& to)
        : core::node(k, c.hash_of(k), w), id(i), results(to)
    {
    }
    void settled(acquire_result result) noexcept override
    {
        how = result;
        if (result == acquire_result::granted)
            results.granted.insert(id);
        else if (result == acquire_result::too_large)
            results.too_large.insert(id);
        else
            results.closed.insert(id);
    }

    int id;
    settling& results;
    std::optional<acquire_result> how;
};

struct model_key {
    gcra bucket;
    std::deque<std::pair<int, std::size_t>> line; // number and weight
};

/// Both, step by step.
class comparison {
public:
    explicit comparison(unsigned seed) : random_(seed) {}

    void run()
    {
        for (int step = 0; step < 300; ++step) {
            act();
            look();
        }
        core_.close();
        for (const auto& [id, w] : waiters_)
            BOOST_REQUIRE((w->how == acquire_result::closed));
        BOOST_REQUIRE_EQUAL(core_.waiters(), 0U);
        BOOST_REQUIRE((core_.try_acquire(1, core_.hash_of(1), 1, now_) == acquire_result::closed));
    }

private:
    static constexpr std::size_t most = 4;

    std::size_t below(std::size_t n) { return random_() % n; }
    int random_key() { return static_cast<int>(below(7)); }

    void act()
    {
        switch (below(8)) {
        case 0:
        case 1:
        case 2:
            return ask();
        case 3:
            return try_at_once();
        case 4:
            return cancel();
        case 5:
            return change();
        default:
            now_ += std::chrono::microseconds(below(3'000));
            return core_.grant(now_);
        }
    }

    // Null: there are too many keys.
    model_key* bucket_of(int key)
    {
        std::erase_if(keys_, [this](const auto& each) {
            return each.second.line.empty() &&
                   each.second.bucket.available(now_) == each.second.bucket.rule().burst() &&
                   each.second.bucket.when(rule_.burst(), now_) <= now_;
        });
        const auto found = keys_.find(key);
        if (found != keys_.end())
            return &found->second;
        if (keys_.size() >= most)
            return nullptr;
        return &keys_.emplace(key, model_key{gcra(rule_.rate(), rule_.burst()), {}}).first->second;
    }

    acquire_result expected(model_key* of, std::size_t weight)
    {
        if (weight > rule_.burst())
            return acquire_result::too_large;
        if (of == nullptr)
            return acquire_result::full;
        if (of->line.empty() && of->bucket.try_take(weight, now_))
            return acquire_result::granted;
        return acquire_result::parked;
    }

    void ask()
    {
        const int key = random_key(), id = next_id_++;
        const std::size_t weight = 1 + below(4);
        model_key* const of = bucket_of(key);
        const acquire_result right = expected(of, weight);
        auto made = std::make_unique<waiter>(core_, id, key, weight, results_);
        BOOST_REQUIRE((core_.park(*made, now_) == right));
        if (right != acquire_result::parked)
            return;
        of->line.emplace_back(id, weight);
        waiters_.emplace(id, std::move(made));
    }

    void try_at_once()
    {
        const int key = random_key();
        const std::size_t weight = 1 + below(4);
        acquire_result right = expected(bucket_of(key), weight);
        if (right == acquire_result::parked)
            right = acquire_result::full;
        BOOST_REQUIRE((core_.try_acquire(key, core_.hash_of(key), weight, now_) == right));
    }

    void cancel()
    {
        if (waiters_.empty())
            return;
        const auto which = std::next(waiters_.begin(), static_cast<long>(below(waiters_.size())));
        std::erase_if(keys_.at(which->second->key).line,
                      [&](const auto& each) { return each.first == which->first; });
        BOOST_REQUIRE(core_.unpark(*which->second, now_));
        BOOST_REQUIRE(!core_.unpark(*which->second, now_));
        waiters_.erase(which);
    }

    void change()
    {
        rule_ =
            gcra_rule(rate(1 + below(5), std::chrono::milliseconds(1 + below(9))), 1 + below(5));
        for (auto& [key, each] : keys_) {
            each.bucket.change(rule_, now_);
            std::erase_if(each.line, [this](const auto& waits) {
                if (waits.second <= rule_.burst())
                    return false;
                too_large_.insert(waits.first);
                return true;
            });
        }
        core_.change(rule_, now_);
    }

    void look()
    {
        std::set<int> granted;
        time_point due = time_point::max();
        for (auto& [key, each] : keys_) {
            auto& line = each.line;
            while (!line.empty() && each.bucket.try_take(line.front().second, now_)) {
                granted.insert(line.front().first);
                line.pop_front();
            }
            if (!line.empty())
                due = std::min(due, each.bucket.when(line.front().second, time_point::min()));
        }
        BOOST_REQUIRE(std::exchange(results_.granted, {}) == granted);
        BOOST_REQUIRE(std::exchange(results_.too_large, {}) == std::exchange(too_large_, {}));
        std::erase_if(waiters_, [](const auto& each) { return each.second->how.has_value(); });
        BOOST_REQUIRE_EQUAL(core_.waiters(), waiters_.size());
        BOOST_REQUIRE((core_.next_due() == due));
        (void)bucket_of(-1); // forgets
        keys_.erase(-1);
        BOOST_REQUIRE_EQUAL(core_.keys(now_), keys_.size());
        for (auto& [key, each] : keys_)
            BOOST_REQUIRE_EQUAL(core_.available(key, now_), each.bucket.available(now_));
    }

    std::mt19937 random_;
    gcra_rule rule_ = gcra_rule(rate(1, 2ms), 3);
    time_point now_{};
    std::map<int, model_key> keys_;
    core core_{rule_, most};
    settling results_;
    std::set<int> too_large_;
    std::map<int, std::unique_ptr<waiter>> waiters_;
    int next_id_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(keyed_rate_core)

BOOST_AUTO_TEST_CASE(random_steps_agree_with_a_naive_model)
{
    for (unsigned seed = 1; seed <= weir::test::repeats(300U); ++seed)
        BOOST_TEST_CONTEXT("seed " << seed)
    comparison(seed).run();
}

struct many {
    many(core& c, int key, std::size_t n, std::size_t weight)
    {
        for (std::size_t i = 0; i < n; ++i) {
            all.push_back(std::make_unique<waiter>(c, static_cast<int>(i), key, weight, results));
            BOOST_REQUIRE((c.park(*all.back(), time_point{}) == acquire_result::parked));
        }
    }

    settling results;
    std::vector<std::unique_ptr<waiter>> all;
};

// More than are handled in one hold of the lock.
BOOST_AUTO_TEST_CASE(a_long_line_is_served_in_one_call)
{
    core c(gcra_rule(rate(1, 1h), 500), 10);
    for (const int key : {1, 2})
        BOOST_TEST(
            (c.try_acquire(key, c.hash_of(key), 500, time_point{}) == acquire_result::granted));
    many small(c, 1, 300, 1), large(c, 2, 300, 400), both(c, 1, 300, 400);
    c.change(gcra_rule(rate::per_second(1'000), 399), time_point{});
    BOOST_TEST(large.results.too_large.size() == 300U);
    BOOST_TEST(both.results.too_large.size() == 300U);
    BOOST_TEST(c.waiters() == 300U);
    c.grant(time_point{} + 350ms);
    BOOST_TEST(small.results.granted.size() == 249U); // 101 are missing still
    c.grant(time_point{} + 1s);
    BOOST_TEST(small.results.granted.size() == 300U);
    BOOST_TEST(c.waiters() == 0U);
    BOOST_TEST(c.keys(time_point{} + 1h) == 0U);
}

BOOST_AUTO_TEST_CASE(many_keys_are_changed_and_forgotten_in_one_call)
{
    core c(gcra_rule(rate(1, 1h), 2), 1'000);
    for (int key = 0; key < 1'000; ++key)
        BOOST_TEST(
            (c.try_acquire(key, c.hash_of(key), 2, time_point{}) == acquire_result::granted));
    BOOST_TEST((c.try_acquire(1'000, c.hash_of(1'000), 1, time_point{}) == acquire_result::full));
    c.change(gcra_rule(rate::per_second(1), 2), time_point{});
    for (int key = 0; key < 1'000; ++key)
        BOOST_REQUIRE_EQUAL(c.available(key, time_point{} + 1s), 1U);
    BOOST_TEST(c.keys(time_point{} + 2s - 1ns) == 1'000U);
    BOOST_TEST(c.keys(time_point{} + 2s) == 0U);
}

BOOST_AUTO_TEST_CASE(when_it_is_full_of_keys_those_that_may_be_forgotten_make_room)
{
    core c(gcra_rule(rate::per_second(1), 2), 3);
    for (int key = 0; key < 3; ++key)
        BOOST_TEST(
            (c.try_acquire(key, c.hash_of(key), 1, time_point{}) == acquire_result::granted));
    const time_point later = time_point{} + 500ms, full = time_point{} + 1s;
    BOOST_TEST((c.try_acquire(0, c.hash_of(0), 1, later) == acquire_result::granted));
    BOOST_TEST((c.try_acquire(1, c.hash_of(1), 1, later) == acquire_result::granted));
    BOOST_TEST((c.try_acquire(9, c.hash_of(9), 1, later) == acquire_result::full));
    BOOST_TEST((c.try_acquire(9, c.hash_of(9), 1, full) == acquire_result::granted));
    BOOST_TEST((c.try_acquire(8, c.hash_of(8), 1, full) == acquire_result::full));
}

// More of those that come up first than are looked at in one step were asked for again meanwhile.
BOOST_AUTO_TEST_CASE(keys_that_may_be_forgotten_make_room_behind_any_number_of_others)
{
    for (const bool parks : {false, true}) {
        core c(gcra_rule(rate(1, 100ms), 5), 1'000);
        time_point now{};
        const auto take = [&](int from, int to, std::size_t weight) {
            for (int key = from; key < to; ++key)
                BOOST_TEST(
                    (c.try_acquire(key, c.hash_of(key), weight, now) == acquire_result::granted));
        };
        take(0, 700, 1);
        now += 5ms;
        take(700, 1'000, 1);
        now += 50ms;
        take(0, 700, 3);
        now += 100ms; // the last 300 are full again
        settling results;
        waiter w(c, 1, 1'000, 1, results);
        BOOST_TEST(((parks ? c.park(w, now) : c.try_acquire(1'000, c.hash_of(1'000), 1, now)) ==
                    acquire_result::granted));
        BOOST_TEST(c.keys(now) == 701U);
    }
}

BOOST_AUTO_TEST_CASE(a_clock_read_before_a_key_was_forgotten_gives_nothing_away)
{
    core c(gcra_rule(rate::per_second(1), 2), 3);
    BOOST_TEST((c.try_acquire(1, c.hash_of(1), 1, time_point{}) == acquire_result::granted));
    BOOST_TEST(c.keys(time_point{} + 1s) == 0U);
    BOOST_TEST(
        (c.try_acquire(1, c.hash_of(1), 2, time_point{} + 500ms) == acquire_result::granted));
    BOOST_TEST(c.available(1, time_point{} + 2'500ms) == 1U); // it counts from when it was full
}

BOOST_AUTO_TEST_CASE(one_given_up_before_it_parks_does_not_park)
{
    core c(gcra_rule(rate(1, 1h), 1), 10);
    settling results;
    waiter first(c, 0, 1, 1, results), second(c, 1, 1, 1, results);
    BOOST_TEST(!c.give_up(first, time_point{}));
    BOOST_TEST(!c.give_up(second, time_point{}));
    BOOST_TEST((c.park(first, time_point{}) == acquire_result::granted)); // it need not park
    BOOST_TEST((c.park(second, time_point{}) == acquire_result::timed_out));
    BOOST_TEST(c.waiters() == 0U);
}

BOOST_AUTO_TEST_CASE(without_a_timer_all_that_wait_end)
{
    core c(gcra_rule(rate(1, 1h), 1), 10);
    for (const int key : {1, 2})
        (void)c.try_acquire(key, c.hash_of(key), 1, time_point{});
    many one(c, 1, 100, 1), two(c, 2, 100, 1);
    c.fail();
    BOOST_TEST(one.results.closed.size() + two.results.closed.size() == 200U);
    BOOST_TEST((one.all.front()->how == acquire_result::no_timer));
    BOOST_TEST(c.keys(time_point{}) == 2U);
    BOOST_TEST((c.next_due() == time_point::max()));
    BOOST_TEST((c.try_acquire(1, c.hash_of(1), 1, time_point{} + 1h) == acquire_result::granted));
}

BOOST_AUTO_TEST_SUITE_END()
