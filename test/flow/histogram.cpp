#include <weir/flow/histogram.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(histogram)

using scale = weir::detail::histogram_scale;

/// Lengths of time from zero to hours, with every magnitude about equally often.
std::vector<weir::duration> lengths(std::uint64_t seed, std::size_t n)
{
    std::mt19937_64 random(seed);
    std::vector<weir::duration> made;
    for (std::size_t i = 0; i < n; ++i)
        made.emplace_back(std::chrono::nanoseconds(random() >> (17 + random() % 47)));
    return made;
}

BOOST_AUTO_TEST_CASE(buckets_follow_one_another_without_a_gap)
{
    for (std::size_t i = 0; i + 1 < scale::size; ++i) {
        BOOST_TEST(scale::index(scale::upper(i)) == i);
        BOOST_TEST(scale::index(scale::upper(i) + 1) == i + 1);
    }
    BOOST_TEST(scale::upper(scale::size - 1) == scale::largest);
    BOOST_TEST(scale::index(std::uint64_t(-1)) == scale::size - 1);
}

BOOST_AUTO_TEST_CASE(a_bucket_is_as_wide_as_a_sixteenth_of_what_is_in_it)
{
    std::mt19937_64 random(1);
    for (int i = 0; i < 100000; ++i) {
        const std::uint64_t ns = random() >> (17 + random() % 47);
        const std::uint64_t upper = scale::upper(scale::index(ns));
        BOOST_REQUIRE(upper >= ns);
        BOOST_REQUIRE(upper - ns <= ns / 16);
    }
}

BOOST_AUTO_TEST_CASE(an_empty_one_says_zero)
{
    const weir::histogram none;
    BOOST_TEST(none.empty());
    BOOST_TEST(none.count() == 0U);
    BOOST_TEST((none.sum() == 0ns && none.min() == 0ns && none.max() == 0ns && none.mean() == 0ns));
    BOOST_TEST((none.quantile(0.99) == 0ns));
    BOOST_TEST(none.count_up_to(1h) == 0U);
    BOOST_TEST(none.buckets().empty());
    BOOST_TEST(weir::histogram_recorder().snapshot().empty());
}

BOOST_AUTO_TEST_CASE(sum_and_extremes_are_exact_and_quantiles_nearly)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            std::vector<weir::duration> all = lengths(seed, 1 + seed * 7 % 300);
            weir::histogram seen;
            weir::duration sum{};
            for (const weir::duration length : all) {
                seen.add(length);
                sum += length;
            }
            std::sort(all.begin(), all.end());
            BOOST_TEST(seen.count() == all.size());
            BOOST_TEST((seen.sum() == sum));
            BOOST_TEST((seen.min() == all.front()));
            BOOST_TEST((seen.max() == all.back()));
            BOOST_TEST((seen.mean() == sum / static_cast<weir::duration::rep>(all.size())));
            for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0}) {
                const double rank = std::ceil(q * static_cast<double>(all.size()));
                const std::size_t place = rank < 1 ? 0 : static_cast<std::size_t>(rank) - 1;
                const weir::duration exact = all[place];
                BOOST_TEST((seen.quantile(q) >= exact), "quantile " << q);
                BOOST_TEST((seen.quantile(q) - exact <= exact / 16), "quantile " << q);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_out_of_range_counts_at_the_end_of_the_range)
{
    weir::histogram seen;
    seen.add(-5s);
    seen.add(1000h);
    BOOST_TEST(seen.count() == 2U);
    BOOST_TEST((seen.min() == 0ns && seen.max() == 1000h && seen.sum() == 1000h));
    BOOST_TEST((seen.quantile(0.5) == 0ns));
    BOOST_TEST((seen.quantile(1) == 1000h));
    BOOST_REQUIRE(seen.buckets().size() == 2U);
    BOOST_TEST((seen.buckets().back().upper == 1000h));
}

BOOST_AUTO_TEST_CASE(buckets_hold_every_length_once_and_add_up)
{
    const std::vector<weir::duration> all = lengths(3, 500);
    weir::histogram seen;
    for (const weir::duration length : all)
        seen.add(length);
    std::uint64_t below = 0;
    for (const weir::histogram::bucket& b : seen.buckets()) {
        below += b.count;
        BOOST_TEST(seen.count_up_to(b.upper) == below);
        const auto shorter =
            std::count_if(all.begin(), all.end(), [&](weir::duration d) { return d <= b.upper; });
        BOOST_TEST(static_cast<std::uint64_t>(shorter) == below);
    }
    BOOST_TEST(below == 500U);
    BOOST_TEST(seen.count_up_to(-1ns) == 0U);
}

BOOST_AUTO_TEST_CASE(merged_ones_are_as_one)
{
    weir::histogram whole, first, second;
    for (const weir::duration length : lengths(1, 100)) {
        whole.add(length);
        first.add(length);
    }
    for (const weir::duration length : lengths(2, 50)) {
        whole.add(length);
        second.add(length);
    }
    first.merge(weir::histogram());
    first.merge(second);
    BOOST_TEST(first.count() == whole.count());
    BOOST_TEST((first.sum() == whole.sum()));
    BOOST_TEST((first.min() == whole.min() && first.max() == whole.max()));
    BOOST_TEST((first.quantile(0.9) == whole.quantile(0.9)));
    weir::histogram into_none;
    into_none.merge(whole);
    BOOST_TEST((into_none.min() == whole.min() && into_none.count() == 150U));
}

BOOST_AUTO_TEST_CASE(a_recorder_counts_as_the_value_does)
{
    weir::histogram_recorder one, other;
    weir::histogram plain;
    for (const weir::duration length : lengths(7, 300)) {
        one.add(length);
        plain.add(length);
    }
    weir::histogram taken = one.snapshot();
    BOOST_TEST(taken.count() == 300U);
    BOOST_TEST((taken.sum() == plain.sum()));
    BOOST_TEST((taken.min() == plain.min() && taken.max() == plain.max()));
    BOOST_TEST((taken.quantile(0.3) == plain.quantile(0.3)));

    other.add(-1s);
    other.add(1000h);
    other.add_to(taken);
    BOOST_TEST(taken.count() == 302U);
    BOOST_TEST((taken.min() == 0ns && taken.max() == 1000h));
    BOOST_TEST(one.snapshot().count() == 300U); // looking changes nothing
}

// A timeout of `duration::max()` says "no limit", and a length can be as long.
BOOST_AUTO_TEST_CASE(a_sum_beyond_what_a_duration_holds_stays_at_the_longest)
{
    const auto longest = weir::duration::max();
    weir::histogram h;
    weir::histogram_recorder recorder;
    for (const weir::duration d : {longest, weir::duration(1s), longest, weir::duration::min()}) {
        h.add(d);
        recorder.add(d);
    }
    weir::histogram taken = recorder.snapshot();
    for (weir::histogram* each : {&h, &taken}) {
        BOOST_TEST(each->count() == 4U);
        BOOST_TEST((each->sum() == longest));
        BOOST_TEST((each->max() == longest));
        BOOST_TEST((each->min() == 0s));
        BOOST_TEST((each->quantile(1) == longest));
        BOOST_TEST((each->mean() == longest / 4));
        BOOST_TEST(each->count_up_to(longest) == 4U);
    }
    h.merge(taken);
    recorder.add_to(h);
    BOOST_TEST((h.sum() == longest));
    BOOST_TEST(h.count() == 12U);
}

BOOST_AUTO_TEST_CASE(one_that_was_moved_away_is_empty)
{
    weir::histogram h;
    h.add(1s);
    const weir::histogram taken = std::move(h);
    BOOST_TEST(taken.count() == 1U);
    BOOST_TEST(h.empty());
    BOOST_TEST(h.count_up_to(2s) == 0U);
    h.add(2s);
    BOOST_TEST((h.min() == 2s));
}

BOOST_AUTO_TEST_SUITE_END()
