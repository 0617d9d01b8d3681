#include "progress.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

using namespace std::chrono_literals;
using weir_fetch::extent;
using weir_fetch::headway;
using weir_fetch::slow_hosts;
using weir_fetch::standing;

namespace {

constexpr weir::time_point start{1h};

standing counts(std::uint64_t done, std::uint64_t received)
{
    standing now;
    now.counts.ok = done;
    now.counts.running = 3;
    now.counts.queued = 40;
    now.counts.received = received;
    return now;
}

standing counts(std::uint64_t done, std::uint64_t received, extent total)
{
    standing now = counts(done, received);
    now.total = total;
    return now;
}

slow_hosts::host host(const std::string& name, weir::duration took)
{
    slow_hosts::host one;
    one.name = name;
    one.urls = 2;
    one.sum = 2 * took;
    return one;
}

} // namespace

BOOST_AUTO_TEST_SUITE(fetch_progress)

BOOST_AUTO_TEST_CASE(the_bytes_of_one_body_and_their_rate_are_seen_while_it_comes)
{
    headway one;
    one.look(counts(0, 0), start);
    one.look(counts(0, 2'000'000), start + 1s);
    BOOST_TEST(one.text(80) == "0 done, 0 failed, 3 running, 40 queued, 2.0 MB, 2.0 MB/s, 0/s");
}

BOOST_AUTO_TEST_CASE(rates_are_those_of_the_last_seconds)
{
    headway one;
    for (int i = 0; i <= 100; ++i) // 1 MB a second, then nothing
        one.look(counts(i < 50 ? i : 50, 100'000 * (i < 50 ? i : 50)), start + i * 100ms);
    BOOST_TEST(one.text(80) == "50 done, 0 failed, 3 running, 40 queued, 5.0 MB, 0 B/s, 0/s");
    headway other;
    for (int i = 0; i <= 100; ++i)
        other.look(counts(i, 100'000 * i), start + i * 100ms);
    BOOST_TEST(other.text(80) ==
               "100 done, 0 failed, 3 running, 40 queued, 10.0 MB, 1.0 MB/s, 10/s");
}

BOOST_AUTO_TEST_CASE(looking_often_changes_nothing)
{
    headway one;
    for (int i = 0; i <= 100'000; ++i)
        one.look(counts(0, 1000 * i), start + i * 100us);
    BOOST_TEST(one.text(80) == "0 done, 0 failed, 3 running, 40 queued, 100.0 MB, 10.0 MB/s, 0/s");
}

BOOST_AUTO_TEST_CASE(it_fits_every_width)
{
    headway one;
    auto many = counts(123'456'789, 123'456'789'012);
    many.counts.failed = 1'234'567;
    one.look(many, start);
    for (std::size_t width = 1; width < 120; ++width)
        BOOST_TEST(one.text(width).size() <= width);
    auto stopped = counts(3, 0);
    stopped.counts.aborted = 20;
    headway last;
    last.look(stopped, start);
    BOOST_TEST(last.text(80).starts_with("3 done, 0 failed, 20 not begun, "));
    headway usual;
    usual.look(counts(0, 0), start);
    usual.look(counts(12, 2'000'000), start + 1s);
    BOOST_TEST(usual.text(39) == "12 done, 0 failed, 2.0 MB, 2.0 MB/s");
    BOOST_TEST(usual.text(20) == "12 done, 2.0 MB/s");
    BOOST_TEST(usual.text(5) == "12 do");
}

BOOST_AUTO_TEST_CASE(the_time_that_is_left_is_shown_once_the_total_is_known)
{
    headway one;
    one.look(counts(0, 0, {56, true}), start);
    BOOST_TEST(one.text(80) == "0 of 56 done, 0 failed, 3 running, 0 B, 0 B/s, 0/s");
    one.look(counts(12, 2'000'000, {56, true}), start + 2s); // 44 at 6 a second
    BOOST_TEST(one.text(80) ==
               "12 of 56 done, 0 failed, 3 running, 2.0 MB, 1.0 MB/s, 6/s, about 8 s left");
    one.look(counts(56, 9'000'000, {56, true}), start + 8s);
    BOOST_TEST(one.text(80) ==
               "56 of 56 done, 0 failed, 3 running, 9.0 MB, 1.2 MB/s, 7/s, about 1 s left");
}

BOOST_AUTO_TEST_CASE(one_url_has_no_total_and_its_bytes_are_shown)
{
    headway one;
    one.look(counts(0, 0, {1, true}), start);
    one.look(counts(0, 120'000, {1, true}), start + 1s);
    BOOST_TEST(one.text(39) == "0 done, 0 failed, 120.0 kB, 120.0 kB/s");
}

BOOST_AUTO_TEST_CASE(an_estimate_is_no_number_that_is_known)
{
    headway one;
    one.look(counts(0, 0, {1000, false}), start);
    one.look(counts(10, 2'000'000, {1000, false}), start + 1s);
    BOOST_TEST(
        one.text(120) ==
        "10 of about 1000 done, 0 failed, 3 running, 2.0 MB, 2.0 MB/s, 10/s, about 2 min left");
    BOOST_TEST(one.text(39) == "10/~1000 done, 0 failed, ~2 min left");
    one.look(counts(10, 2'000'000, {9, false}), start + 1s); // there were more than it seemed
    BOOST_TEST(one.text(39) == "10/~10 done, 0 failed, 10/s, ~1 s left");
}

BOOST_AUTO_TEST_CASE(nothing_is_left_to_guess_where_nothing_was_done)
{
    headway one;
    one.look(counts(5, 0, {56, true}), start);
    one.look(counts(6, 0, {56, true}), start + 500ms); // that is too short
    BOOST_TEST(one.text(80) == "6 of 56 done, 0 failed, 3 running, 0 B, 0 B/s, 2/s");
    for (int i = 1; i <= 40; ++i)
        one.look(counts(6, 0, {56, true}), start + i * 1s);
    BOOST_TEST(one.text(80) == "6 of 56 done, 0 failed, 3 running, 0 B, 0 B/s, 0/s");
}

// The rate of three seconds may be that of a burst, or of a pause.
BOOST_AUTO_TEST_CASE(what_is_left_does_not_jump_with_the_rate_of_a_moment)
{
    headway one;
    for (int i = 0; i <= 26; ++i)
        one.look(counts(i, 0, {56, true}), start + i * 1s);
    for (int i = 27; i <= 30; ++i)
        one.look(counts(26, 0, {56, true}), start + i * 1s);
    BOOST_TEST(one.text(80) ==
               "26 of 56 done, 0 failed, 3 running, 0 B, 0 B/s, 0/s, about 35 s left");
}

BOOST_AUTO_TEST_CASE(slow_hosts_are_named_where_there_is_room)
{
    headway one;
    auto now = counts(12, 2'000'000);
    now.slowest = {host("b.example", 3100ms), host("a.example", 24ms)};
    one.look(now, start);
    const std::string usual = "12 done, 0 failed, 3 running, 40 queued, 2.0 MB, 0 B/s, 0/s";
    BOOST_TEST(one.text(120) == usual + ", slowest b.example 3.1 s, a.example 24 ms");
    BOOST_TEST(one.text(90) == usual + ", slowest b.example 3.1 s");
    BOOST_TEST(one.text(79) == usual);
    BOOST_TEST(one.text(39) == "12 done, 0 failed, 2.0 MB, 0 B/s");
    now.slowest = {host(std::string(300, 'x'), 3100ms)};
    one.look(now, start);
    BOOST_TEST(one.text(120) == usual + ", slowest " + std::string(22, 'x') + ".. 3.1 s");
}

BOOST_AUTO_TEST_CASE(it_fits_every_width_with_all_that_there_is)
{
    headway one;
    auto many = counts(123'456'789, 123'456'789'012, {987'654'321, false});
    many.counts.failed = 1'234'567;
    many.slowest = {host(std::string(300, 'x'), 3100ms), host("a.example", 24ms)};
    one.look(counts(0, 0), start);
    one.look(many, start + 2s);
    for (std::size_t width = 1; width < 200; ++width)
        BOOST_TEST(one.text(width).size() <= width);
    BOOST_TEST(one.text(39) == "124691356/~987654321 done");
}

BOOST_AUTO_TEST_CASE(the_extent_of_a_file_is_by_the_part_that_was_read)
{
    BOOST_TEST(weir_fetch::estimated_extent(10, 500, 2000).entries == 40U);
    BOOST_TEST(!weir_fetch::estimated_extent(10, 500, 2000).is_exact);
    BOOST_TEST(weir_fetch::estimated_extent(10, 500, 500).entries == 10U);
    BOOST_TEST(weir_fetch::estimated_extent(10, 500, 100).entries == 10U); // it has shrunk
}

BOOST_AUTO_TEST_SUITE_END()
