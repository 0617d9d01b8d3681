#include "report.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>

using namespace std::chrono_literals;
using weir_fetch::human_time;
using weir_fetch::human_wait;
using weir_fetch::tally;

namespace {

weir::http::fetch_result result(weir::duration took, const std::string& host = "a.example")
{
    weir::http::fetch_result one;
    one.attempts = 1;
    one.final_url = "http://" + host + "/";
    one.answer.status = 200;
    one.answer.bytes = 100;
    one.answer.timings.total = took;
    return one;
}

} // namespace

BOOST_AUTO_TEST_SUITE(fetch_report)

BOOST_AUTO_TEST_CASE(results_are_counted_by_class)
{
    tally all;
    all.add(result(1ms));
    auto missing = result(1ms);
    missing.answer.status = 404;
    missing.answer.error = weir::http::failure(weir::http::error_class::http, "404");
    all.add(missing);
    auto late = result(1ms);
    late.answer.status = 0;
    late.answer.error = weir::http::failure(weir::http::error_class::timeout, "late");
    all.add(late);
    all.add_skipped();
    all.add_duplicate();
    all.add_done_before();
    BOOST_TEST(all.summary(3100ms, 16) ==
               "6 URLs: 1 x 2xx, 1 x 4xx, 1 x timeout, 1 x skipped, 1 x duplicate, 1 done before; "
               "300 B in 3.1 s, at most 16 at a time");
    BOOST_TEST(all.some_failed());
    BOOST_TEST(all.not_wanted() == 2U);
}

BOOST_AUTO_TEST_CASE(a_few_urls_say_themselves_how_long_they_took)
{
    tally all;
    for (int i = 0; i < 9; ++i)
        all.add(result(1ms));
    BOOST_TEST(all.times().empty());
    auto never_begun = result(0ms);
    never_begun.attempts = 0;
    all.add(never_begun);
    BOOST_TEST(all.times().empty());
    all.add(result(1ms));
    BOOST_TEST(!all.times().empty());
}

BOOST_AUTO_TEST_CASE(times_have_percentiles_and_a_small_histogram)
{
    tally all;
    for (int i = 0; i < 900; ++i)
        all.add(result(8ms));
    for (int i = 0; i < 99; ++i)
        all.add(result(25ms));
    all.add(result(3100ms));
    BOOST_TEST(all.times() == "  time: 50 % within 8.1 ms, 90 % 8.1 ms, 99 % 25 ms, longest 3.1 s\n"
                              "  <= 10 ms   900 ################\n"
                              "  <= 30 ms    99 ##\n"
                              "  <= 100 ms    0\n"
                              "  <= 300 ms    0\n"
                              "  <= 1 s       0\n"
                              "  <= 3 s       0\n"
                              "  <= 10 s      1 #");
}

BOOST_AUTO_TEST_CASE(slow_hosts_are_named)
{
    tally all;
    for (int i = 0; i < 10; ++i)
        all.add(result(10ms));
    all.add(result(20ms, "b.example"));
    all.add(result(40ms, "b.example"));
    const std::string text = all.times();
    BOOST_TEST(text.substr(text.rfind('\n') + 1) ==
               "  slowest hosts: b.example 30 ms (2), a.example 10 ms (10)");
}

BOOST_AUTO_TEST_CASE(lines_fit_a_usual_terminal_whatever_there_is)
{
    tally all;
    for (int i = 0; i < 50; ++i)
        for (int n = 0; n < 20; ++n)
            all.add(result(1us * (1LL << (i % 45)), std::string(250, static_cast<char>('a' + n))));
    std::istringstream lines(all.times());
    std::uint64_t rows = 0;
    for (std::string line; std::getline(lines, line); ++rows)
        BOOST_TEST(line.size() <= 79U);
    BOOST_TEST(rows <= 16U); // one screen
    BOOST_TEST(all.times().find("  more ") != std::string::npos);
    BOOST_TEST(all.times().find("slowest hosts") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(times_are_for_people)
{
    BOOST_TEST(human_time(0ms) == "0.0 ms");
    BOOST_TEST(human_time(9949us) == "9.9 ms");
    BOOST_TEST(human_time(9950us) == "10 ms");
    BOOST_TEST(human_time(999ms) == "999 ms");
    BOOST_TEST(human_time(59900ms) == "59.9 s");
    BOOST_TEST(human_time(150s) == "2.5 min");
    BOOST_TEST(human_time(90min) == "1.5 h");
    BOOST_TEST(human_wait(0s) == "1 s");
    BOOST_TEST(human_wait(7200ms) == "8 s");
    BOOST_TEST(human_wait(11s) == "15 s");
    BOOST_TEST(human_wait(61s) == "2 min");
    BOOST_TEST(human_wait(1h) == "60 min");
    BOOST_TEST(human_wait(1h + 1s) == "1 h 10 min");
    BOOST_TEST(human_wait(48h) == "48 h 0 min");
    BOOST_TEST(human_wait(49h) == "3 days");
}

BOOST_AUTO_TEST_SUITE_END()
