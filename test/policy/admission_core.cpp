// The rule of several limits at once, against the plainest thing that could be right: a scan of all
// that wait, in their order, with the claims of those before.
#include "support/repeats.hpp"
#include <weir/policy/detail/admission_core.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <vector>

using namespace std::chrono_literals;
using weir::rate;
using weir::time_point;
using weir::detail::acquire_result;
using weir::detail::admission_shares;
using weir::detail::gcra_level;
using weir::detail::gcra_rule;

namespace {

using core = weir::detail::admission_core<int>;

struct request {
    int id = 0;
    admission_shares shares;
    int key = 0;
};

class model {
public:
    model(std::vector<std::size_t> limits, std::size_t key_limit, const gcra_rule& rule)
        : limits_(std::move(limits)), key_limit_(key_limit), rule_(rule)
    {
        in_use_.resize(limits_.size());
    }

    void time(time_point now) { now_ = now; }
    void add(const request& r)
    {
        if (is_too_large(r))
            refused_.insert(r.id);
        else
            waiting_.push_back(r);
    }
    void remove(int id)
    {
        std::erase_if(waiting_, [id](const request& r) { return r.id == id; });
    }
    void give_back(const admission_shares& s, int key)
    {
        for (std::size_t i = 0; i < limits_.size(); ++i)
            in_use_[i] -= s.counts[i];
        keys_[key] -= s.key;
    }
    bool grow(std::size_t count, std::size_t weight)
    {
        std::size_t sum = weight;
        for (const request& r : waiting_)
            sum += r.shares.counts[count];
        if (in_use_[count] > limits_[count] || sum > limits_[count] - in_use_[count])
            return false;
        in_use_[count] += weight;
        return true;
    }
    void resize(std::size_t count, std::size_t limit)
    {
        limits_[count] = limit;
        refuse();
    }
    void resize_keys(std::size_t limit)
    {
        key_limit_ = limit;
        refuse();
    }
    void change(const gcra_rule& rule)
    {
        level_ = rule.taken_over(level_, rule_, now_);
        rule_ = rule;
        refuse();
    }

    std::set<int> granted()
    {
        std::set<int> all;
        while (pass_some(all))
            continue;
        return all;
    }
    std::set<int> refused() { return std::exchange(refused_, {}); }
    std::size_t waiters() const { return waiting_.size(); }
    std::size_t in_use(std::size_t count) const { return in_use_[count]; }
    std::size_t in_use_of_key(int key) { return keys_[key]; }

private:
    bool pass_some(std::set<int>& all)
    {
        admission_shares claimed;
        std::map<int, std::size_t> of_key;
        for (auto r = waiting_.begin(); r != waiting_.end(); ++r) {
            const admission_shares& s = r->shares;
            bool fits = true;
            for (std::size_t i = 0; i < limits_.size(); ++i)
                if (s.counts[i] != 0)
                    fits = fits && in_use_[i] + claimed.counts[i] + s.counts[i] <= limits_[i];
            if (s.key != 0)
                fits = fits && keys_[r->key] + of_key[r->key] + s.key <= key_limit_;
            if (s.tokens != 0)
                fits = fits && rule_.when(level_, claimed.tokens + s.tokens, now_) <= now_;
            if (fits) {
                for (std::size_t i = 0; i < limits_.size(); ++i)
                    in_use_[i] += s.counts[i];
                keys_[r->key] += s.key;
                if (s.tokens != 0)
                    BOOST_REQUIRE(rule_.try_take(level_, s.tokens, now_));
                all.insert(r->id);
                waiting_.erase(r);
                return true;
            }
            for (std::size_t i = 0; i < limits_.size(); ++i)
                claimed.counts[i] += s.counts[i];
            of_key[r->key] += s.key;
            claimed.tokens += s.tokens;
        }
        return false;
    }

    bool is_too_large(const request& r) const
    {
        bool large = r.shares.tokens > rule_.burst();
        for (std::size_t i = 0; i < limits_.size(); ++i)
            large = large || (limits_[i] != 0 && r.shares.counts[i] > limits_[i]);
        return large || (key_limit_ != 0 && r.shares.key > key_limit_);
    }

    void refuse()
    {
        for (const request& r : waiting_)
            if (is_too_large(r))
                refused_.insert(r.id);
        std::erase_if(waiting_, [this](const request& r) { return is_too_large(r); });
    }

    std::vector<std::size_t> limits_;
    std::size_t key_limit_;
    gcra_rule rule_;
    gcra_level level_;
    time_point now_{};
    std::vector<std::size_t> in_use_;
    std::map<int, std::size_t> keys_;
    std::deque<request> waiting_;
    std::set<int> refused_;
};

struct settling {
    std::set<int> granted, too_large, closed;
};

struct waiter final : core::node {
    waiter(const request& r, settling& to)
        : core::node(r.shares, r.shares.key != 0 ? std::optional<int>(r.key) : std::nullopt),
          what(r), results(to)
    {
    }
    void settled(acquire_result result) noexcept override
    {
        how = result;
        if (result == acquire_result::granted)
            results.granted.insert(what.id);
        else if (result == acquire_result::too_large)
            results.too_large.insert(what.id);
        else
            results.closed.insert(what.id);
    }

    request what;
    settling& results;
    std::optional<acquire_result> how;
};

/// Both, step by step.
class comparison {
public:
    explicit comparison(unsigned seed) : random_(seed) {}

    void run()
    {
        for (int step = 0; step < 400; ++step) {
            act();
            look();
        }
        end();
    }

private:
    std::size_t below(std::size_t n) { return random_() % n; }

    gcra_rule random_rule()
    {
        return gcra_rule(rate(1 + below(5), std::chrono::milliseconds(1 + below(9))), 1 + below(6));
    }

    request random_request()
    {
        request r;
        r.id = next_id_++;
        r.key = static_cast<int>(below(3));
        while (r.shares.empty()) {
            if (below(2) == 0)
                r.shares.counts[0] = 1;
            if (below(2) == 0)
                r.shares.counts[1] = 1 + below(6);
            if (below(3) == 0)
                r.shares.key = 1 + below(2);
            if (below(3) == 0)
                r.shares.tokens = 1 + below(4);
        }
        return r;
    }

    void act()
    {
        switch (below(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
            return ask();
        case 4:
        case 5:
            return give_back();
        case 6:
            return cancel();
        case 7:
            now_ += std::chrono::microseconds(below(4'000));
            model_.time(now_);
            return core_.grant(now_);
        case 8: {
            const std::size_t count = below(2), limit = below(9);
            model_.resize(count, limit);
            return core_.resize(count, limit, now_);
        }
        case 9:
            if (below(2) == 0) {
                const std::size_t limit = below(4);
                model_.resize_keys(limit);
                return core_.resize_keys(limit, now_);
            } else {
                const gcra_rule rule = random_rule();
                model_.change(rule);
                return core_.change(rule, now_);
            }
        case 10:
            return try_at_once();
        default:
            return grow();
        }
    }

    void ask()
    {
        const request r = random_request();
        model_.add(r);
        auto made = std::make_unique<waiter>(r, results_);
        const acquire_result result = core_.park(*made, now_);
        if (result != acquire_result::parked)
            made->settled(result);
        waiters_.emplace(r.id, std::move(made));
    }

    // All that may pass have passed: of those that ask, the last is the only one that can.
    void try_at_once()
    {
        const request r = random_request();
        model_.add(r);
        const bool expected = model_.granted().contains(r.id);
        model_.remove(r.id);
        const bool too_large = !model_.refused().empty();
        core::key_handle key = nullptr;
        const acquire_result result = core_.try_acquire(r.shares, r.key, key, now_);
        BOOST_REQUIRE((result == acquire_result::granted) == expected);
        BOOST_REQUIRE((result == acquire_result::too_large) == too_large);
        if (expected) {
            model_.give_back(r.shares, r.key);
            core_.release(r.shares, key);
        }
    }

    void give_back()
    {
        for (auto& [id, w] : waiters_)
            if (w->how == acquire_result::granted && below(3) == 0) {
                model_.give_back(w->what.shares, w->what.key);
                core_.release(w->shares(), w->key());
                waiters_.erase(id);
                return;
            }
    }

    void cancel()
    {
        for (auto& [id, w] : waiters_)
            if (!w->how && below(3) == 0) {
                model_.remove(id);
                BOOST_REQUIRE(core_.unpark(*w, now_));
                waiters_.erase(id);
                return;
            }
    }

    void grow()
    {
        const std::size_t count = below(2), weight = 1 + below(3);
        for (auto& [id, w] : waiters_)
            if (w->how == acquire_result::granted && w->what.shares.counts[count] != 0) {
                const bool expected = model_.grow(count, weight);
                BOOST_REQUIRE_EQUAL(core_.try_grow(count, weight), expected);
                if (expected) {
                    admission_shares more;
                    more.counts[count] = weight;
                    model_.give_back(more, 0);
                    core_.release(more, nullptr);
                }
                return;
            }
    }

    void look()
    {
        const std::set<int> granted = model_.granted(), refused = model_.refused();
        BOOST_REQUIRE(std::exchange(results_.granted, {}) == granted);
        BOOST_REQUIRE(std::exchange(results_.too_large, {}) == refused);
        BOOST_REQUIRE_EQUAL(core_.waiters(), model_.waiters());
        std::set<int> keys;
        for (auto i = waiters_.begin(); i != waiters_.end();) {
            const waiter& w = *i->second;
            if (w.how != acquire_result::too_large && w.what.shares.key != 0)
                keys.insert(w.what.key);
            i = w.how == acquire_result::too_large ? waiters_.erase(i) : std::next(i);
        }
        BOOST_REQUIRE_EQUAL(core_.keys(), keys.size()); // idle ones are forgotten
        for (std::size_t i = 0; i < 2; ++i)
            BOOST_REQUIRE_EQUAL(core_.in_use(i), model_.in_use(i));
        for (int key = 0; key < 3; ++key)
            BOOST_REQUIRE_EQUAL(core_.in_use_of_key(key), model_.in_use_of_key(key));
    }

    void end()
    {
        core_.close();
        for (const auto& [id, w] : waiters_)
            BOOST_REQUIRE(w->how.has_value());
        while (!waiters_.empty()) {
            const auto first = waiters_.begin();
            if (first->second->how == acquire_result::granted)
                core_.release(first->second->shares(), first->second->key());
            waiters_.erase(first);
        }
        for (std::size_t i = 0; i < 2; ++i)
            BOOST_REQUIRE_EQUAL(core_.in_use(i), 0U);
        BOOST_REQUIRE_EQUAL(core_.keys(), 0U);
    }

    std::mt19937 random_;
    const gcra_rule rule_ = gcra_rule(rate(1, 2ms), 4);
    time_point now_{};
    model model_{{3, 8}, 2, rule_};
    core core_{{3, 8}, 2, rule_};
    settling results_;
    std::map<int, std::unique_ptr<waiter>> waiters_;
    int next_id_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(admission_core)

BOOST_AUTO_TEST_CASE(random_steps_agree_with_a_naive_model)
{
    for (unsigned seed = 1; seed <= weir::test::repeats(300U); ++seed)
        BOOST_TEST_CONTEXT("seed " << seed)
    comparison(seed).run();
}

struct many {
    explicit many(core& c, std::size_t n, const admission_shares& each, int key = 0)
    {
        for (std::size_t i = 0; i < n; ++i) {
            request r;
            r.shares = each;
            r.key = key;
            r.id = static_cast<int>(i);
            all.push_back(std::make_unique<waiter>(r, results));
            BOOST_REQUIRE((c.park(*all.back(), time_point{}) == acquire_result::parked));
        }
    }

    settling results;
    std::vector<std::unique_ptr<waiter>> all;
};

// More than are handled in one hold of the lock.
BOOST_AUTO_TEST_CASE(a_long_line_is_served_in_one_call)
{
    admission_shares both;
    both.counts = {1, 1};
    both.key = 1;
    {
        core c({0, 1'000}, 1'000, std::nullopt);
        many line(c, 500, both);
        c.resize(0, 400, time_point{});
        BOOST_TEST(line.results.granted.size() == 400U);
        c.resize(0, 500, time_point{});
        BOOST_TEST(line.results.granted.size() == 500U);
    }
    {
        core c({1'000, 1'000}, 0, std::nullopt);
        many one(c, 300, both, 1), other(c, 300, both, 2);
        c.resize_keys(200, time_point{});
        BOOST_TEST(one.results.granted.size() == 200U);
        BOOST_TEST(other.results.granted.size() == 200U);
        c.close();
        BOOST_TEST(one.results.closed.size() == 100U);
        BOOST_TEST(c.keys() == 2U); // their passes are out
    }
    {
        core c({0, 1'000}, 1'000, std::nullopt);
        admission_shares large = both;
        large.counts[1] = 3;
        many line(c, 300, large);
        c.resize(1, 2, time_point{});
        BOOST_TEST(line.results.too_large.size() == 300U);
        BOOST_TEST(c.keys() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(without_a_timer_those_that_ask_for_tokens_end)
{
    core c({1}, 1, gcra_rule(rate(1, 1h), 1));
    admission_shares token, place;
    token.tokens = token.counts[0] = 1;
    place.counts[0] = 1;
    core::key_handle key = nullptr;
    BOOST_TEST((c.try_acquire(token, std::nullopt, key, time_point{}) == acquire_result::granted));
    many tokens(c, 200, token), places(c, 2, place);
    c.fail();
    BOOST_TEST(tokens.results.closed.size() == 200U);
    BOOST_TEST((tokens.all.front()->how == acquire_result::no_timer));
    BOOST_TEST(c.waiters() == 2U);
    BOOST_TEST((c.next_due() == time_point::max()));
    BOOST_TEST(c.release(place, nullptr)); // their claims on the place are gone, too
    BOOST_TEST(places.results.granted.size() == 1U);
}

BOOST_AUTO_TEST_CASE(one_given_up_before_it_parks_does_not_park)
{
    core c({1}, 1, std::nullopt);
    settling results;
    request r;
    r.shares.counts[0] = 1;
    waiter first(r, results), second(r, results);
    BOOST_TEST(!c.give_up(first, time_point{}));
    BOOST_TEST(!c.give_up(second, time_point{}));
    BOOST_TEST((c.park(first, time_point{}) == acquire_result::granted)); // it need not park
    BOOST_TEST((c.park(second, time_point{}) == acquire_result::timed_out));
    BOOST_TEST(c.waiters() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
