#include <weir/detail/gcra.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using weir::duration;
using weir::rate;
using weir::time_point;
using weir::detail::gcra;

__extension__ using wide = __int128;

BOOST_AUTO_TEST_SUITE(gcra_bucket)

constexpr time_point zero{};
constexpr auto most = std::numeric_limits<std::uint64_t>::max();

BOOST_AUTO_TEST_CASE(the_burst_is_there_at_once_and_the_rest_comes_at_the_rate)
{
    gcra bucket(rate::per_second(10), 3);
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(bucket.try_take(1, zero));
    BOOST_TEST(!bucket.try_take(1, zero));
    BOOST_TEST((bucket.when(1, zero) == zero + 100ms));
    BOOST_TEST((bucket.when(2, zero) == zero + 200ms));
    BOOST_TEST(!bucket.try_take(1, zero + 100ms - 1ns));
    BOOST_TEST(bucket.try_take(1, zero + 100ms));
    BOOST_TEST(bucket.available(zero + 250ms) == 1U);
    BOOST_TEST(bucket.available(zero + 1h) == 3U); // and no more than that
    BOOST_TEST(bucket.try_take(3, zero + 1h));
    BOOST_TEST(!bucket.try_take(1, zero + 1h));
}

BOOST_AUTO_TEST_CASE(more_than_the_burst_never_fits)
{
    gcra bucket(rate::per_second(10), 3);
    BOOST_TEST(!bucket.try_take(4, zero));
    BOOST_TEST((bucket.when(4, zero) == time_point::max()));
    BOOST_TEST(bucket.try_take(3, zero));
    BOOST_CHECK_THROW(gcra(rate::per_second(1), 0), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_fits_at_the_moment_it_names_and_not_before)
{
    std::mt19937_64 random(3);
    for (int i = 0; i < 2'000; ++i) {
        const std::uint64_t burst = 1 + random() % 50;
        const rate each(1 + random() % 1'000, duration(1 + random() % 10'000'000));
        gcra bucket(each, burst);
        time_point now = zero;
        for (int step = 0; step < 20; ++step) {
            const std::uint64_t weight = 1 + random() % burst;
            const time_point at = bucket.when(weight, now);
            if (at > now)
                BOOST_REQUIRE(!bucket.try_take(weight, std::max(now, at - 1ns)));
            now = at;
            BOOST_REQUIRE(bucket.try_take(weight, now));
        }
    }
}

// What was taken, in exact numbers: sums of weight against burst + rate * window.
struct taken {
    time_point at;
    std::uint64_t weight;
};

bool keeps_to(const rate& each, std::uint64_t burst, const std::vector<taken>& all)
{
    for (std::size_t i = 0; i < all.size(); ++i) {
        wide sum = 0;
        for (std::size_t k = i; k < all.size(); ++k) {
            sum += all[k].weight;
            const wide window = (all[k].at - all[i].at).count();
            if ((sum - burst) * each.period().count() > wide(each.count()) * window)
                return false;
        }
    }
    return true;
}

BOOST_AUTO_TEST_CASE(no_window_has_more_than_the_burst_and_what_the_rate_makes_of_it)
{
    std::mt19937_64 random(7);
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t burst = 1 + random() % 20;
        const rate each(1 + random() % 97, duration(1 + random() % 1'000));
        gcra bucket(each, burst);
        std::vector<taken> all;
        time_point now = zero;
        for (int step = 0; step < 300; ++step) {
            now += duration(random() % 50);
            const std::uint64_t weight = 1 + random() % burst;
            if (bucket.try_take(weight, now))
                all.push_back({now, weight});
        }
        BOOST_REQUIRE(keeps_to(each, burst, all));
    }
}

// A third of a nanosecond a token: rounded to whole ones, the rate would be a third of this, or
// without any bound.
BOOST_AUTO_TEST_CASE(fractions_of_a_nanosecond_are_kept)
{
    gcra bucket(rate(3, 1ns), 1'000);
    std::uint64_t got = 0;
    constexpr std::uint64_t length = 100'000;
    for (std::uint64_t ns = 0; ns <= length; ++ns)
        while (bucket.try_take(1, zero + duration(ns)))
            ++got;
    BOOST_TEST(got <= 1'000 + 3 * length);
    BOOST_TEST(got >= 1'000 + 3 * length - 1);
}

BOOST_AUTO_TEST_CASE(a_taker_that_is_always_late_by_less_than_the_burst_loses_nothing)
{
    gcra bucket(rate::per_second(1'000), 2);
    time_point now = zero;
    std::uint64_t got = 0;
    while (now < zero + 10s) {
        while (bucket.try_take(1, now))
            ++got;
        now = bucket.when(1, now) + 900us; // the timer
    }
    BOOST_TEST(got >= 9'990U);
    BOOST_TEST(got <= 10'002U);
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_read_out_of_order_gives_nothing_away)
{
    gcra bucket(rate::per_second(1), 2);
    BOOST_TEST(bucket.try_take(2, zero + 1h));
    BOOST_TEST(!bucket.try_take(1, zero));
    BOOST_TEST(!bucket.try_take(1, zero + 1h));
    BOOST_TEST(bucket.try_take(1, zero + 1h + 1s));
}

BOOST_AUTO_TEST_CASE(at_both_ends_of_the_clock_it_counts_as_elsewhere)
{
    gcra first(rate::per_second(10), 2);
    BOOST_TEST(first.available(time_point::min()) == 2U);
    BOOST_TEST(first.try_take(2, time_point::min()));
    BOOST_TEST(!first.try_take(1, time_point::min()));
    BOOST_TEST((first.when(1, time_point::min()) == time_point::min() + 100ms));
    BOOST_TEST(first.try_take(2, time_point::max()));
    BOOST_TEST(!first.try_take(1, time_point::max()));
    BOOST_TEST((first.when(1, time_point::max()) == time_point::max())); // beyond the clock
    first.change(rate::per_second(1), 1, time_point::min());
    BOOST_TEST(first.available(time_point::min()) == 0U);
}

BOOST_AUTO_TEST_CASE(the_largest_and_the_smallest_numbers_do_no_harm)
{
    const std::uint64_t bursts[] = {1, 2, most / 2, most};
    const rate rates[] = {rate(1, duration::max()), rate(most, duration::max()), rate(most, 1ns),
                          rate(1, 1ns)};
    const time_point times[] = {time_point::min(), zero, time_point::max()};
    for (const std::uint64_t burst : bursts)
        for (const rate& each : rates)
            for (const time_point now : times) {
                gcra bucket(each, burst);
                const std::uint64_t all = bucket.rule().burst(); // as much as there can be
                BOOST_TEST((all == burst || all > 1'000'000'000));
                BOOST_TEST((all == most || !bucket.try_take(all + 1, now)));
                BOOST_TEST((all == most || !bucket.try_take(most, now)));
                BOOST_TEST((bucket.when(all, now) == now));
                BOOST_TEST(bucket.try_take(all, now));
                BOOST_TEST(!bucket.try_take(all, now));
                BOOST_TEST((bucket.when(all, now) >= now));
                for (const rate& next : rates) {
                    gcra copy = bucket;
                    copy.change(next, burst, now);
                    // A change gives nothing back: there is what the burst has become larger by.
                    const std::uint64_t more =
                        copy.rule().burst() - std::min(all, copy.rule().burst());
                    BOOST_TEST(!copy.try_take(more + 1, now));
                    BOOST_TEST((copy.when(1, now) >= now));
                }
            }
    gcra slow(rate(1, duration::max()), 2); // the second token comes when the clock is at its end
    BOOST_TEST(slow.try_take(2, zero));
    BOOST_TEST((slow.when(1, zero) == time_point::max()));
    BOOST_TEST(!slow.try_take(1, time_point::max() - 1ns));
    BOOST_TEST(slow.try_take(1, time_point::max()));
}

BOOST_AUTO_TEST_CASE(a_new_rate_leaves_what_is_missing_and_fills_it_up_faster)
{
    gcra bucket(rate::per_second(1), 10);
    BOOST_TEST(bucket.try_take(10, zero));
    BOOST_TEST(bucket.available(zero + 2s) == 2U);
    bucket.change(rate::per_second(4), 10, zero + 2s);
    BOOST_TEST(bucket.available(zero + 2s) == 2U);
    BOOST_TEST(bucket.available(zero + 3s) == 6U);
    BOOST_TEST((bucket.when(10, zero + 2s) == zero + 4s));
}

BOOST_AUTO_TEST_CASE(a_new_burst_keeps_what_was_taken_and_may_leave_a_debt)
{
    gcra bucket(rate::per_second(1), 10);
    BOOST_TEST(bucket.try_take(8, zero));
    gcra larger = bucket;
    larger.change(rate::per_second(1), 20, zero);
    BOOST_TEST(larger.available(zero) == 12U);
    bucket.change(rate::per_second(1), 5, zero);
    BOOST_TEST(bucket.available(zero) == 0U);
    BOOST_TEST((bucket.when(1, zero) == zero + 4s)); // 8 of 5 are missing
    BOOST_TEST((bucket.when(5, zero) == zero + 8s));
}

// With changes: what was taken is at most the burst at the end, and the integral of the rate.
BOOST_AUTO_TEST_CASE(changes_while_it_runs_keep_the_bound)
{
    std::mt19937_64 random(11);
    for (int round = 0; round < 300; ++round) {
        constexpr wide scale = 1'000'000'007; // tokens are counted in parts of this
        std::uint64_t burst = 1 + random() % 9;
        rate each(1 + random() % 9, duration(1 + random() % 90));
        gcra bucket(each, burst);
        time_point now = zero;
        wide made = 0; // by the rate, since the beginning; rounded up
        struct mark {
            wide made;
            std::uint64_t weight;
            std::uint64_t burst;
        };
        std::vector<mark> all;
        for (int step = 0; step < 200; ++step) {
            const duration passed(random() % 40);
            now += passed;
            const wide parts = scale * each.count() * passed.count();
            made += (parts + each.period().count() - 1) / each.period().count();
            if (random() % 8 == 0) {
                burst = 1 + random() % 9;
                each = rate(1 + random() % 9, duration(1 + random() % 90));
                bucket.change(each, burst, now);
            }
            const std::uint64_t weight = 1 + random() % burst;
            if (bucket.try_take(weight, now))
                all.push_back({made, weight, burst});
        }
        for (std::size_t i = 0; i < all.size(); ++i) {
            wide sum = 0;
            for (std::size_t k = i; k < all.size(); ++k) {
                sum += all[k].weight;
                BOOST_REQUIRE((sum - all[k].burst) * scale <= all[k].made - all[i].made);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(changes_there_and_back_give_nothing_and_take_next_to_nothing)
{
    std::mt19937_64 random(13);
    for (int round = 0; round < 200; ++round) {
        const rate first(1 + random() % 1'000, duration(1 + random() % 10'000'000));
        const rate second(1 + random() % 1'000, duration(1 + random() % 10'000'000));
        gcra bucket(first, 100);
        BOOST_TEST(bucket.try_take(100, zero));
        // In the middle of a token.
        const time_point now = zero + first.period() * 10 / static_cast<long>(first.count()) / 3;
        const gcra untouched = bucket;
        for (int i = 0; i < 200; ++i)
            bucket.change(i % 2 == 0 ? second : first, 100, now);
        const time_point before = untouched.when(100, now), after = bucket.when(100, now);
        BOOST_REQUIRE((after >= before));
        BOOST_REQUIRE((after <= before + 1ns + first.period() / 1'000'000));
    }
}

BOOST_AUTO_TEST_SUITE_END()
