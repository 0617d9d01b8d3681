#include <weir/policy/backoff.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(backoff)

std::vector<weir::duration> ten_waits(const weir::backoff& waits)
{
    std::vector<weir::duration> drawn;
    for (std::size_t attempts = 1; attempts <= 10; ++attempts)
        drawn.push_back(waits.next(attempts));
    return drawn;
}

BOOST_AUTO_TEST_CASE(the_bound_doubles_with_each_failure_up_to_the_cap)
{
    const weir::backoff waits(100ms, 1s);
    BOOST_TEST((waits.bound(1) == 100ms));
    BOOST_TEST((waits.bound(2) == 200ms));
    BOOST_TEST((waits.bound(3) == 400ms));
    BOOST_TEST((waits.bound(4) == 800ms));
    BOOST_TEST((waits.bound(5) == 1s));
    BOOST_TEST((waits.bound(1'000'000) == 1s));
}

BOOST_AUTO_TEST_CASE(every_wait_is_within_its_bound_and_no_bound_overflows)
{
    std::mt19937_64 random(1);
    for (int round = 0; round < 2'000; ++round) {
        weir::duration::rep low = std::uniform_int_distribution<weir::duration::rep>(
            1, weir::duration::max().count() >> (random() % 63))(random);
        weir::duration::rep high = std::uniform_int_distribution<weir::duration::rep>(
            1, weir::duration::max().count() >> (random() % 63))(random);
        const auto [base, cap] = std::minmax(low, high);
        const weir::backoff waits(weir::duration(base), weir::duration(cap), random());
        weir::duration before = weir::duration::zero();
        for (std::size_t attempts = 1; attempts < 70; ++attempts) {
            const weir::duration bound = waits.bound(attempts);
            BOOST_REQUIRE(bound >= before);
            BOOST_REQUIRE(bound >= weir::duration(base));
            BOOST_REQUIRE(bound <= weir::duration(cap));
            const weir::duration wait = waits.next(attempts);
            BOOST_REQUIRE(wait >= weir::duration::zero());
            BOOST_REQUIRE(wait <= bound);
            before = bound;
        }
        BOOST_REQUIRE(before == weir::duration(cap));
    }
}

BOOST_AUTO_TEST_CASE(waits_are_spread_evenly_from_zero_to_the_bound)
{
    const weir::backoff waits(1000ms, 1000ms, 7);
    std::vector<int> tenths(10);
    for (int n = 0; n < 100'000; ++n)
        ++tenths[static_cast<std::size_t>(std::min<long>(waits.next(1) / 100ms, 9))];
    for (const int drawn : tenths) {
        BOOST_TEST(drawn > 9'500);
        BOOST_TEST(drawn < 10'500);
    }
    const weir::backoff two(weir::duration(1), weir::duration(1), 7);
    bool zero = false, one = false;
    for (int n = 0; n < 100; ++n)
        (two.next(1) == weir::duration(0) ? zero : one) = true;
    BOOST_TEST(zero);
    BOOST_TEST(one); // the bound itself is drawn too
}

BOOST_AUTO_TEST_CASE(a_seed_makes_the_waits_repeat_and_two_seeds_differ)
{
    const weir::backoff first(100ms, 1h, 1), again(100ms, 1h, 1), other(100ms, 1h, 2);
    const auto waits = ten_waits(first);
    BOOST_TEST((waits == ten_waits(again)));
    BOOST_TEST((waits != ten_waits(other)));
    const weir::backoff any(100ms, 1h), another(100ms, 1h);
    BOOST_TEST((ten_waits(any) != ten_waits(another)));
}

// A policy is copied for each of many jobs: they must not wake together.
BOOST_AUTO_TEST_CASE(a_copy_draws_waits_of_its_own_and_a_moved_one_goes_on)
{
    weir::backoff one(100ms, 1h, 1);
    const weir::backoff copy(one), second(one);
    const auto waits = ten_waits(copy);
    BOOST_TEST((waits != ten_waits(second)));
    BOOST_TEST((waits != ten_waits(one)));
    weir::backoff left(1ms, 1ms), like_left(100ms, 1h, 5), right(100ms, 1h, 5);
    left = std::move(right);
    BOOST_TEST((ten_waits(left) == ten_waits(like_left)));
    left = like_left;
    BOOST_TEST((left.cap() == 1h));
    BOOST_TEST((ten_waits(left) != ten_waits(like_left)));
    const weir::backoff moved(std::move(left));
    BOOST_TEST((moved.base() == 100ms));
}

BOOST_AUTO_TEST_CASE(a_base_of_zero_and_a_cap_below_it_are_refused)
{
    BOOST_CHECK_THROW(weir::backoff(0s, 1s), std::invalid_argument);
    BOOST_CHECK_THROW(weir::backoff(-1s, 1s), std::invalid_argument);
    BOOST_CHECK_THROW(weir::backoff(2s, 1s), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
