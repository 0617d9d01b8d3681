// The rule of the line before a rate, with the time as a number. What its waiting operations do is
// in rate_limiter.cpp.
#include <weir/policy/detail/rate_core.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::rate;
using weir::time_point;
using weir::detail::acquire_result;
using weir::detail::gcra_rule;

BOOST_AUTO_TEST_SUITE(rate_core)

using core = weir::detail::rate_core<>;

constexpr time_point zero{};

struct waiter final : core::node {
    explicit waiter(std::size_t w) : core::node(w) {}
    void settled(acquire_result result) noexcept override
    {
        BOOST_TEST(!how.has_value());
        how = result;
    }

    std::optional<acquire_result> how;
};

/// A core without tokens, and waiters of these weights.
struct line {
    line(const gcra_rule& rule, const std::vector<std::size_t>& weights) : limiter(rule)
    {
        BOOST_TEST((limiter.try_acquire(rule.burst(), zero) == acquire_result::granted));
        for (const std::size_t w : weights) {
            all.push_back(std::make_unique<waiter>(w));
            BOOST_TEST((limiter.park(*all.back(), zero) == acquire_result::parked));
        }
    }

    std::size_t with(acquire_result result) const
    {
        std::size_t n = 0;
        for (const auto& each : all)
            n += each->how == result ? 1 : 0;
        return n;
    }

    core limiter;
    std::vector<std::unique_ptr<waiter>> all;
};

BOOST_AUTO_TEST_CASE(what_is_due_is_granted_and_the_next_is_named)
{
    line l(gcra_rule(rate::per_second(1'000), 10), {1, 2, 3, 1});
    BOOST_TEST((l.limiter.next_due() == zero + 1ms));
    l.limiter.grant(zero + 999us);
    BOOST_TEST(l.with(acquire_result::granted) == 0U);
    l.limiter.grant(zero + 3ms);
    BOOST_TEST(l.with(acquire_result::granted) == 2U);
    BOOST_TEST((l.limiter.next_due() == zero + 6ms));
    l.limiter.grant(zero + 1h);
    BOOST_TEST(l.with(acquire_result::granted) == 4U);
    BOOST_TEST((l.limiter.next_due() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(when_the_head_leaves_those_that_fit_behind_it_are_granted_at_once)
{
    for (const bool by_deadline : {false, true}) {
        line l(gcra_rule(rate::per_second(1'000), 10), {9, 2, 3, 9});
        const time_point now = zero + 5ms;
        if (by_deadline)
            BOOST_TEST(l.limiter.give_up(*l.all.front(), now));
        else
            BOOST_TEST(l.limiter.unpark(*l.all.front(), now));
        BOOST_TEST(!l.all.front()->how.has_value());
        BOOST_TEST(l.with(acquire_result::granted) == 2U);
        BOOST_TEST((l.limiter.next_due() == zero + 14ms));
        BOOST_TEST(!l.limiter.unpark(*l.all.front(), now)); // it is out
        BOOST_TEST(!l.limiter.unpark(*l.all[1], now));      // so is one that was granted
    }
}

BOOST_AUTO_TEST_CASE(one_given_up_before_it_parks_does_not_park)
{
    core limiter(gcra_rule(rate::per_second(1), 1));
    waiter first(1), second(1);
    BOOST_TEST(!limiter.give_up(first, zero));
    BOOST_TEST(!limiter.give_up(second, zero));
    BOOST_TEST((limiter.park(first, zero) == acquire_result::granted)); // it need not park
    BOOST_TEST((limiter.park(second, zero) == acquire_result::timed_out));
    BOOST_TEST(limiter.waiters() == 0U);
}

// More than are handled in one hold of the lock.
BOOST_AUTO_TEST_CASE(a_long_line_is_served_in_one_call)
{
    const gcra_rule rule(rate::per_second(1'000), 500);
    line l(rule, std::vector<std::size_t>(300, 1));
    l.limiter.grant(zero + 200ms);
    BOOST_TEST(l.with(acquire_result::granted) == 200U);
    l.limiter.close();
    BOOST_TEST(l.with(acquire_result::closed) == 100U);

    line lost(rule, std::vector<std::size_t>(300, 1));
    lost.limiter.fail();
    BOOST_TEST(lost.with(acquire_result::no_timer) == 300U);
    waiter later(1);
    BOOST_TEST((lost.limiter.park(later, zero) == acquire_result::parked)); // it is not closed
    BOOST_TEST(lost.limiter.unpark(later, zero));

    line large(rule, std::vector<std::size_t>(300, 7));
    large.limiter.change(gcra_rule(rate::per_second(1'000), 6), zero);
    BOOST_TEST(large.with(acquire_result::too_large) == 300U);
}

// A node that leaves in the middle of a change is not looked at again.
BOOST_AUTO_TEST_CASE(a_change_grants_the_small_and_fails_the_large)
{
    line l(gcra_rule(rate::per_second(1'000), 10), {1, 9, 1, 9, 1});
    l.limiter.change(gcra_rule(rate::per_second(1'000), 8), zero + 5ms);
    BOOST_TEST(l.with(acquire_result::too_large) == 2U);
    BOOST_TEST(l.with(acquire_result::granted) == 3U);
    BOOST_TEST(l.limiter.waiters() == 0U);
    BOOST_TEST(l.limiter.available(zero + 5ms) == 0U); // 5 and 3 are missing
}

BOOST_AUTO_TEST_CASE(nothing_passes_once_it_is_closed)
{
    core limiter(gcra_rule(rate::per_second(1), 5));
    limiter.close();
    waiter w(1);
    BOOST_TEST((limiter.try_acquire(1, zero) == acquire_result::closed));
    BOOST_TEST((limiter.park(w, zero) == acquire_result::closed));
    limiter.grant(zero + 1h);
    BOOST_TEST(!w.how.has_value());
    BOOST_TEST(limiter.available(zero) == 5U);
}

BOOST_AUTO_TEST_SUITE_END()
