#include <weir/http/continuation.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using weir::http::continuation;
using weir::http::error_class;
using weir::http::failure;
using weir::http::parse_content_range;
using weir::http::request;
using weir::http::response;
using weir::http::url;
using answer = continuation::answer;

BOOST_AUTO_TEST_SUITE(http_continuation)

using fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::chrono::sys_seconds now{};
const std::string modified = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string sent = "Sun, 06 Nov 1994 09:49:37 GMT";

response with(unsigned status, const fields& all)
{
    response is;
    is.status = status;
    for (const auto& [name, value] : all)
        is.fields.append(name, value);
    return is;
}

response broken(const fields& all, error_class why = error_class::incomplete)
{
    response is = with(200, all);
    is.error = failure(why, "the connection ended");
    return is;
}

request get(std::string method = "GET")
{
    return request(url::parse("http://h/a").value(), std::move(method));
}

const fields tagged = {{"ETag", "\"a\""}, {"Content-Length", "100"}};

bool may_go_on(const response& from, const request& asked = get())
{
    return continuation::of(asked, from, now).has_value();
}

BOOST_AUTO_TEST_CASE(a_body_is_continued_only_where_its_parts_are_sure_to_fit)
{
    BOOST_TEST(may_go_on(broken(tagged)));
    BOOST_TEST(may_go_on(broken({{"ETag", "\"a\""}}))); // in chunks
    BOOST_TEST(may_go_on(broken({{"Last-Modified", modified}, {"Date", sent}})));
    BOOST_TEST(may_go_on(broken({{"ETag", "\"a\""}, {"Accept-Ranges", "bytes"}})));
    BOOST_TEST(may_go_on(broken({{"ETag", "\"a\""}, {"Content-Encoding", "identity"}})));
    BOOST_TEST(may_go_on(broken(tagged, error_class::timeout)));
    // no strong validator
    BOOST_TEST(!may_go_on(broken({{"Content-Length", "100"}})));
    BOOST_TEST(!may_go_on(broken({{"ETag", "W/\"a\""}})));
    BOOST_TEST(!may_go_on(broken({{"Last-Modified", modified}})));
    BOOST_TEST(!may_go_on(broken({{"Last-Modified", modified}, {"Date", modified}})));
    // a coding: the same text may be encoded in other bytes
    BOOST_TEST(!may_go_on(broken({{"ETag", "\"a\""}, {"Content-Encoding", "gzip"}})));
    BOOST_TEST(!may_go_on(broken({{"ETag", "\"a\""}, {"Content-Encoding", "unknown"}})));
    BOOST_TEST(!may_go_on(broken({{"ETag", "\"a\""}, {"Accept-Ranges", "None"}})));
    // another request
    BOOST_TEST(!may_go_on(broken(tagged), get("POST")));
    BOOST_TEST(!may_go_on(broken(tagged), get().header("Range", "bytes=5-")));
    // another end
    BOOST_TEST(!may_go_on(with(200, tagged)));
    for (const auto why : {error_class::io, error_class::protocol, error_class::too_large,
                           error_class::aborted, error_class::internal})
        BOOST_TEST(!may_go_on(broken(tagged, why)));
    for (const unsigned status : {206U, 404U, 503U}) {
        response other = broken(tagged);
        other.status = status;
        BOOST_TEST(!may_go_on(other), status);
    }
}

BOOST_AUTO_TEST_CASE(the_rest_is_asked_for_by_its_offset_and_validator)
{
    const request asked = get().header("X", "y");
    const auto by_tag = continuation::of(asked, broken(tagged), now).value();
    const request next = by_tag.ask(asked, 7);
    BOOST_TEST(next.fields()["Range"] == "bytes=7-");
    BOOST_TEST(next.fields()["If-Range"] == "\"a\"");
    BOOST_TEST(next.fields()["X"] == "y");
    BOOST_TEST((by_tag.length() == 100U));
    const fields dated = {{"Last-Modified", modified}, {"Date", sent}};
    const auto by_date = continuation::of(asked, broken(dated), now).value();
    BOOST_TEST(by_date.ask(asked, 1).fields()["If-Range"] == modified);
    BOOST_TEST(!by_date.length().has_value());
}

std::string name(answer which)
{
    const char* const names[] = {"rest", "all", "complete", "other"};
    return names[static_cast<int>(which)];
}

struct row {
    const char* is;
    unsigned status;
    fields all;
};

void judged(const fields& before, std::uint64_t offset, const std::vector<row>& rows)
{
    const auto rule = continuation::of(get(), broken(before), now).value();
    for (const row& each : rows) {
        std::string text = std::to_string(each.status);
        for (const auto& [name, value] : each.all)
            text.append(", ").append(name).append(": ").append(value);
        BOOST_TEST(name(rule.judge(with(each.status, each.all), offset, now)) == each.is, text);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_is_the_rest_only_if_all_of_it_fits)
{
    const std::pair<std::string, std::string> tag{"ETag", "\"a\""};
    judged(tagged, 40,
           {
               {"rest", 206, {{"Content-Range", "bytes 40-99/100"}, tag}},
               {"rest", 206, {{"Content-Range", "bytes 40-99/*"}, tag}},
               {"rest", 206, {{"Content-Range", "bytes 40-99/100"}, tag, {"Content-Length", "60"}}},
               {"other", 206, {{"Content-Range", "bytes 39-99/100"}, tag}},
               {"other", 206, {{"Content-Range", "bytes 41-99/100"}, tag}},
               {"other", 206, {{"Content-Range", "bytes 0-99/100"}, tag}},
               {"other", 206, {{"Content-Range", "bytes 40-98/100"}, tag}}, // not to the end
               {"other", 206, {{"Content-Range", "bytes 40-98/99"}, tag}},  // another length
               {"other", 206, {{"Content-Range", "bytes 40-100/101"}, tag}},
               {"other", 206, {{"Content-Range", "bytes 40-99/200"}, tag}}, // as far as we know
               {"other", 206, {{"Content-Range", "bytes 40-100/*"}, tag}},
               {"other", 206, {{"Content-Range", "bytes */100"}, tag}},
               {"other", 206, {{"Content-Range", "bits 40-99/100"}, tag}},
               {"other", 206, {tag}},
               {"other", 206, {{"Content-Type", "multipart/byteranges"}, tag}},
               {"other",
                206,
                {{"Content-Range", "bytes 40-99/100"}, {"Content-Range", "bytes 0-1/100"}, tag}},
               {"other", 206, {{"Content-Range", "bytes 40-99/100"}}}, // of what?
               {"other", 206, {{"Content-Range", "bytes 40-99/100"}, {"ETag", "\"b\""}}},
               {"other", 206, {{"Content-Range", "bytes 40-99/100"}, {"ETag", "W/\"a\""}}},
               {"other",
                206,
                {{"Content-Range", "bytes 40-99/100"}, tag, {"Content-Encoding", "gzip"}}},
               {"other", 207, {{"Content-Range", "bytes 40-99/100"}, tag}},
               // it has changed, or the server knows no ranges
               {"all", 200, {{"ETag", "\"b\""}}},
               {"all", 200, {}},
               {"other", 416, {{"Content-Range", "bytes */100"}}},
               {"other", 404, {}},
               {"other", 503, {{"Retry-After", "1"}}},
               {"other", 302, {{"Location", "/b"}}},
               {"other", 304, {tag}},
               {"other", 412, {}},
           });
}

BOOST_AUTO_TEST_CASE(a_length_that_was_not_said_is_learned_from_the_range)
{
    const std::pair<std::string, std::string> tag{"ETag", "\"a\""};
    judged(
        {tag}, 40,
        {
            {"rest", 206, {{"Content-Range", "bytes 40-99/100"}, tag}},
            {"rest", 206, {{"Content-Range", "bytes 40-40/41"}, tag}},
            {"other", 206, {{"Content-Range", "bytes 40-98/100"}, tag}},
            {"other", 206, {{"Content-Range", "bytes 40-99/*"}, tag}}, // is that the end?
            {"complete", 416, {{"Content-Range", "bytes */40"}}}, // only the last chunk was missing
            {"other", 416, {{"Content-Range", "bytes */39"}}},
            {"other", 416, {{"Content-Range", "bytes */41"}}},
            {"other", 416, {{"Content-Range", "bytes 0-39/40"}}},
            {"other", 416, {}},
        });
}

BOOST_AUTO_TEST_CASE(a_date_must_come_again_and_be_strong_again)
{
    const std::pair<std::string, std::string> range{"Content-Range", "bytes 40-99/100"};
    judged({{"Last-Modified", modified}, {"Date", sent}}, 40,
           {
               {"rest", 206, {range, {"Last-Modified", modified}, {"Date", sent}}},
               {"other", 206, {range, {"Date", sent}}},
               {"other", 206, {range, {"Last-Modified", modified}, {"Date", modified}}},
               {"other", 206, {range, {"Last-Modified", sent}, {"Date", sent}}},
               {"other",
                206,
                {range, {"Last-Modified", modified}, {"Date", sent}, {"ETag", "W/\"a\""}}},
           });
}

BOOST_AUTO_TEST_CASE(a_content_range_contradicts_itself_or_is_read)
{
    const auto range = parse_content_range(" Bytes 5-9/10 ").value();
    BOOST_TEST((range.first == 5U && range.last == 9U && range.length == 10U));
    BOOST_TEST(parse_content_range("bytes 0-18446744073709551614/*").has_value());
    for (const char* const none :
         {"", "bytes", "bytes ", "bytes 5-9", "bytes=5-9/10", "bytes 5/10", "bytes 9-5/10",
          "bytes 5-10/10", "bytes 5-9/", "bytes -9/10", "bytes 5-/10", "bytes */*", "bytes 5-9/1x",
          "bytes 5-9/18446744073709551616", "bytes +5-9/10", "bytes 5 - 9/10", "items 5-9/10"})
        BOOST_TEST(!parse_content_range(none).has_value(), none);
}

BOOST_AUTO_TEST_SUITE_END()
