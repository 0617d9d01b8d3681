#include <weir/http/date.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <random>
#include <string>

using std::chrono::seconds;
using std::chrono::sys_seconds;
using weir::http::format_date;
using weir::http::headers;
using weir::http::parse_date;
using weir::http::retry_after;

BOOST_AUTO_TEST_SUITE(http_date)

constexpr sys_seconds at(std::int64_t unix_time)
{
    return sys_seconds(seconds(unix_time));
}

constexpr sys_seconds now = at(1'767'225'600); // 1 January 2026

/// Since 1970; -1 when it is no date.
std::int64_t read(const std::string& text, sys_seconds today = now)
{
    const auto date = parse_date(text, today);
    return date ? date->time_since_epoch().count() : -1;
}

BOOST_AUTO_TEST_CASE(all_three_forms_say_the_same)
{
    BOOST_TEST(read("Sun, 06 Nov 1994 08:49:37 GMT") == 784'111'777);
    BOOST_TEST(read("Sunday, 06-Nov-94 08:49:37 GMT") == 784'111'777);
    BOOST_TEST(read("Sun Nov  6 08:49:37 1994") == 784'111'777);
    BOOST_TEST(read("sun, 06 nov 1994 08:49:37 gmt") == 784'111'777);
    BOOST_TEST(read("Mon, 06 Nov 1994 08:49:37 GMT") == 784'111'777); // it was no Monday
    BOOST_TEST(read("Wed Nov 16 08:49:37 1994") == 784'975'777);
}

BOOST_AUTO_TEST_CASE(days_and_seconds_exist_or_the_date_is_none)
{
    const struct {
        const char* text;
        std::int64_t is;
    } rows[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 00:00:00 GMT", 1'709'164'800},
        {"Thu, 29 Feb 2023 00:00:00 GMT", -1},
        {"Tue, 29 Feb 2000 12:00:00 GMT", 951'825'600},
        {"Thu, 29 Feb 1900 00:00:00 GMT", -1},
        {"Thu, 29 Feb 2100 00:00:00 GMT", -1},
        {"Thu, 29-Feb-24 00:00:00 GMT", -1}, // the name of the day is short
        {"Thursday, 29-Feb-24 00:00:00 GMT", 1'709'164'800},
        {"Thursday, 29-Feb-23 00:00:00 GMT", -1},
        {"Thu Feb 29 00:00:00 2024", 1'709'164'800},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1'483'228'800}, // a leap second
        {"Sat, 31 Dec 2016 23:59:61 GMT", -1},
        {"Sat, 31 Dec 2016 23:60:00 GMT", -1},
        {"Sat, 31 Dec 2016 24:00:00 GMT", -1},
        {"Sat, 31 Apr 2016 00:00:00 GMT", -1},
        {"Sat, 00 Apr 2016 00:00:00 GMT", -1},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253'402'300'799},
        {"Sun, 19 Jan 2038 03:14:08 GMT", 2'147'483'648},
    };
    for (const auto& row : rows)
        BOOST_TEST(read(row.text) == row.is, row.text);
    BOOST_TEST((parse_date("Sat, 01 Jan 0000 00:00:00 GMT", now) == at(-62'167'219'200)));
}

BOOST_AUTO_TEST_CASE(what_is_written_in_another_way_is_no_date)
{
    for (const char* const text : {
             "",
             "0",
             "784111777",
             "Sun",
             "Sun, 06 Nov 1994",
             "Sun, 06 Nov 1994 08:49 GMT",
             "Sun, 6 Nov 1994 08:49:37 GMT",
             "Sun, 06 Nov 94 08:49:37 GMT",
             "Sun, 06 Nov 1994 08:49:37",
             "Sun, 06 Nov 1994 08:49:37 UTC",
             "Sun, 06 Nov 1994 08:49:37 +0000",
             "Sun, 06 Nov 1994 08:49:37 GMT ",
             " Sun, 06 Nov 1994 08:49:37 GMT",
             "Sun,06 Nov 1994 08:49:37 GMT",
             "Son, 06 Nov 1994 08:49:37 GMT",
             "Sun, 06 Nob 1994 08:49:37 GMT",
             "Sun, 06 Nov 1994 8:49:37 GMT",
             "Sun, 06 Nov 1994 08-49-37 GMT",
             "Sun, 06 Nov -994 08:49:37 GMT",
             "Sun, 06 Nov +994 08:49:37 GMT",
             "Sunday, 06-Nov-1994 08:49:37 GMT",
             "Sunday, 06 Nov 94 08:49:37 GMT",
             "Sun Nov 6 08:49:37 1994",
             "Sun Nov 06 08:49:37 94",
             "Sun Nov  6 08:49:37 1994 GMT",
             "Sun Nov   6 08:49:37 1994",
             "1994-11-06T08:49:37Z",
             "Sun, 06 Nov 1994 08:49:37 GMTT",
         })
        BOOST_TEST(read(text) == -1, text);
    // every beginning of a date is none
    for (const std::string whole : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                                    "Sunday, 06-Nov-94 08:49:37 GMT"})
        for (std::size_t size = 0; size < whole.size(); ++size)
            BOOST_TEST(read(whole.substr(0, size)) == -1, whole.substr(0, size));
}

// Which year is yy, on the day of `today`?
int year_of(int yy, const std::string& today, const std::string& day = "01-Jan")
{
    const auto date = parse_date("Sunday, " + day + "-" + std::to_string(yy / 10) +
                                     std::to_string(yy % 10) + " 00:00:00 GMT",
                                 parse_date(today, {}).value());
    const std::chrono::year_month_day is(std::chrono::floor<std::chrono::days>(date.value()));
    return static_cast<int>(is.year());
}

BOOST_AUTO_TEST_CASE(two_digits_of_a_year_are_the_latest_at_most_50_years_ahead)
{
    const std::string in_2026 = "Thu, 01 Jan 2026 00:00:00 GMT";
    BOOST_TEST(year_of(26, in_2026) == 2026);
    BOOST_TEST(year_of(76, in_2026) == 2076); // to the second
    BOOST_TEST(year_of(76, in_2026, "02-Jan") == 1976);
    BOOST_TEST(year_of(77, in_2026) == 1977);
    BOOST_TEST(year_of(99, in_2026) == 1999);
    BOOST_TEST(year_of(0, in_2026) == 2000);
    const std::string in_1999 = "Fri, 31 Dec 1999 23:59:59 GMT";
    BOOST_TEST(year_of(0, in_1999) == 2000);
    BOOST_TEST(year_of(49, in_1999) == 2049);
    BOOST_TEST(year_of(50, in_1999) == 1950);
    BOOST_TEST(year_of(50, "Sat, 01 Jan 2000 00:00:00 GMT") == 2050);
    BOOST_TEST(year_of(24, in_2026, "29-Feb") == 2024);
    BOOST_TEST(year_of(76, "Thu, 29 Feb 2024 00:00:00 GMT", "29-Feb") == 1976);
}

BOOST_AUTO_TEST_CASE(what_is_formatted_reads_as_the_same)
{
    BOOST_TEST(format_date(at(784'111'777)) == "Sun, 06 Nov 1994 08:49:37 GMT");
    BOOST_TEST(format_date(at(-62'167'219'200)) == "Sat, 01 Jan 0000 00:00:00 GMT");
    BOOST_TEST(format_date(at(253'402'300'799)) == "Fri, 31 Dec 9999 23:59:59 GMT");
    for (const unsigned seed : {1U, 2U, 3U}) {
        std::mt19937_64 random(seed);
        std::uniform_int_distribution<std::int64_t> any(-62'167'219'200, 253'402'300'799);
        for (int i = 0; i < 10'000; ++i) {
            const auto date = at(any(random));
            BOOST_TEST((parse_date(format_date(date), now) == date), format_date(date));
        }
    }
}

// ---- Retry-After

std::string wait(const char* value, const char* date = nullptr)
{
    headers fields;
    fields.append("retry-after", value);
    if (date != nullptr)
        fields.append("Date", date);
    const auto found = retry_after(fields, now);
    if (!found)
        return "none";
    if (*found == weir::duration::max())
        return "max";
    return std::to_string(std::chrono::duration_cast<seconds>(*found).count());
}

BOOST_AUTO_TEST_CASE(retry_after_is_seconds_or_a_date)
{
    BOOST_TEST(wait("120") == "120");
    BOOST_TEST(wait(" 0\t") == "0");
    BOOST_TEST(wait("007") == "7");
    BOOST_TEST(wait("Thu, 01 Jan 2026 00:01:30 GMT") == "90");
    BOOST_TEST(wait("Thursday, 01-Jan-26 00:01:30 GMT") == "90");
    BOOST_TEST(wait("Thu Jan  1 00:01:30 2026") == "90");
    BOOST_TEST(wait("Wed, 31 Dec 2025 23:59:59 GMT") == "0"); // it has passed
    BOOST_TEST(wait("Thu, 01 Jan 2026 00:00:00 GMT") == "0");
    for (const char* const neither : {"", "-1", "+1", "1.5", "1e3", "0x10", "1 2", "soon"})
        BOOST_TEST(wait(neither) == "none", neither);
    BOOST_TEST(!retry_after(headers(), now).has_value());
}

BOOST_AUTO_TEST_CASE(retry_after_stops_at_the_longest_duration)
{
    BOOST_TEST(wait("9223372036") == "9223372036"); // 292 years
    for (const char* const longer :
         {"9223372037", "99999999999", "9223372036854775807", "9223372036854775808",
          "18446744073709551616", "99999999999999999999999999999999999999999999",
          "Fri, 31 Dec 9999 23:59:59 GMT"})
        BOOST_TEST(wait(longer) == "max", longer);
}

BOOST_AUTO_TEST_CASE(a_date_counts_from_that_of_the_response)
{
    const char* const later = "Thu, 01 Jan 2026 00:01:30 GMT";
    BOOST_TEST(wait(later, "Thu, 01 Jan 2026 00:01:00 GMT") == "30");
    BOOST_TEST(wait(later, "Thu, 01 Jan 2026 00:02:00 GMT") == "0");
    BOOST_TEST(wait(later, "yesterday") == "90");
    BOOST_TEST(wait("120", "Thu, 01 Jan 2026 00:02:00 GMT") == "120");
    BOOST_TEST(wait("Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT") == "max");
}

BOOST_AUTO_TEST_SUITE_END()
