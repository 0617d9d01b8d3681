#include <weir/http/validators.hpp>

#include <weir/http/detail/body_outlet.hpp>
#include <weir/http/detail/exchange.hpp>
#include <weir/http/detail/upload.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using weir::http::headers;
using weir::http::only_if_changed;
using weir::http::only_if_unchanged;
using weir::http::request;
using weir::http::url;
using weir::http::validators;

BOOST_AUTO_TEST_SUITE(http_validators)

using fields = std::vector<std::pair<const char*, const char*>>;

constexpr std::chrono::sys_seconds now{};

validators of(const fields& all)
{
    headers answer;
    for (const auto& [name, value] : all)
        answer.append(name, value);
    return {answer, now};
}

const char* const modified = "Sun, 06 Nov 1994 08:49:37 GMT";
const char* const sent_59_s_later = "Sun, 06 Nov 1994 08:50:36 GMT";
const char* const sent_60_s_later = "Sun, 06 Nov 1994 08:50:37 GMT";

// The conditions that a request has afterwards.
std::string conditions(bool (*ask)(request&, const validators&), const fields& seen)
{
    request what(url::parse("http://h/").value());
    const bool asked = ask(what, of(seen));
    std::string text = asked ? "" : "none";
    for (const auto field : what.fields())
        text += std::string(field.name) + ": " + std::string(field.value) + ";";
    return text;
}

BOOST_AUTO_TEST_CASE(an_etag_counts_as_it_is_written_or_not_at_all)
{
    for (const char* const tag :
         {"\"abc\"", "\"\"", "W/\"abc\"", "\"a\\b\"", "\"W/x\"", "\"\x80\""})
        BOOST_TEST(of({{"ETag", tag}}).etag() == tag);
    BOOST_TEST(of({{"etag", " \"abc\"\t"}}).etag() == "\"abc\"");
    for (const char* const none : {"", "abc", "\"abc", "abc\"", "\"", "w/\"abc\"", "W/abc",
                                   "\"a\"b\"", "\"a b\"", "\"a\x7f\"", "'abc'", "\"a\", \"b\""})
        BOOST_TEST(of({{"ETag", none}}).etag() == "", none);
}

BOOST_AUTO_TEST_CASE(a_strong_validator_is_a_strong_etag_or_a_date_that_is_old_enough)
{
    const struct {
        fields seen;
        std::string strong;
    } rows[] = {
        {{{"ETag", "\"a\""}}, "\"a\""},
        {{{"ETag", "W/\"a\""}}, ""},
        {{{"ETag", "\"a\""}, {"Last-Modified", modified}, {"Date", sent_60_s_later}}, "\"a\""},
        {{{"ETag", "W/\"a\""}, {"Last-Modified", modified}, {"Date", sent_60_s_later}}, ""},
        {{{"Last-Modified", modified}, {"Date", sent_60_s_later}}, modified},
        {{{"Last-Modified", modified}, {"Date", sent_59_s_later}}, ""},
        {{{"Last-Modified", modified}, {"Date", "today"}}, ""},
        {{{"Last-Modified", modified}}, ""},
        {{{"Last-Modified", "yesterday"}, {"Date", sent_60_s_later}}, ""},
        {{{"Date", sent_60_s_later}}, ""},
    };
    for (const auto& row : rows) {
        const auto found = of(row.seen);
        BOOST_TEST(found.strong() == row.strong);
        BOOST_TEST(found.same_bytes(of(row.seen)) == !row.strong.empty());
        BOOST_TEST(!found.same_bytes(of({{"ETag", "\"b\""}})));
        BOOST_TEST(!found.same_bytes(validators()));
    }
}

BOOST_AUTO_TEST_CASE(what_may_have_changed_is_asked_for_by_all_that_is_known)
{
    const std::string date = std::string("If-Modified-Since: ") + modified + ";";
    BOOST_TEST(conditions(only_if_changed, {{"ETag", "\"a\""}}) == "If-None-Match: \"a\";");
    BOOST_TEST(conditions(only_if_changed, {{"ETag", "W/\"a\""}}) == "If-None-Match: W/\"a\";");
    BOOST_TEST(conditions(only_if_changed, {{"Last-Modified", modified}}) == date);
    BOOST_TEST(conditions(only_if_changed, {{"ETag", "\"a\""}, {"Last-Modified", modified}}) ==
               "If-None-Match: \"a\";" + date);
    BOOST_TEST(conditions(only_if_changed, {{"ETag", "a"}, {"Last-Modified", "x"}}) == "none");
}

BOOST_AUTO_TEST_CASE(conditions_replace_those_of_an_earlier_answer)
{
    request asked(url::parse("http://h/").value());
    (void)only_if_changed(asked, of({{"ETag", "\"a\""}}));
    (void)only_if_changed(asked, of({{"Last-Modified", modified}}));
    BOOST_TEST(asked.fields().count("If-None-Match") == 0U);
    (void)only_if_changed(asked, of({{"ETag", "\"b\""}}));
    BOOST_TEST(asked.fields().count("If-None-Match") == 1U);
    BOOST_TEST(asked.fields()["If-None-Match"] == "\"b\"");
    BOOST_TEST(asked.fields().count("If-Modified-Since") == 0U);
    (void)only_if_unchanged(asked, of({{"ETag", "\"a\""}}));
    (void)only_if_unchanged(asked, of({{"ETag", "\"b\""}}));
    BOOST_TEST(asked.fields().count("If-Match") == 1U);
    BOOST_TEST(asked.fields()["If-Match"] == "\"b\"");
}

BOOST_AUTO_TEST_CASE(what_must_not_have_changed_needs_a_strong_validator)
{
    BOOST_TEST(conditions(only_if_unchanged, {{"ETag", "\"a\""}}) == "If-Match: \"a\";");
    BOOST_TEST(conditions(only_if_unchanged, {{"ETag", "W/\"a\""}}) == "none");
    BOOST_TEST(conditions(only_if_unchanged, {{"Last-Modified", modified}}) == "none");
    BOOST_TEST(
        conditions(only_if_unchanged, {{"Last-Modified", modified}, {"Date", sent_60_s_later}}) ==
        std::string("If-Unmodified-Since: ") + modified + ";");
}

BOOST_AUTO_TEST_CASE(not_modified_is_an_answer_without_a_body)
{
    const request asked(url::parse("http://h/").value());
    const weir::http::client_options options;
    weir::http::detail::function_outlet none([](std::string_view) {
        BOOST_ERROR("a body");
        return weir::error_code();
    });
    weir::http::detail::upload sending(asked, 0);
    sending.sent();
    weir::http::hop into;
    weir::http::detail::exchange rules(asked, options, options.requests(), sending, none, {}, into);
    const std::string text = "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nLocation: /elsewhere\r\n"
                             "Content-Encoding: gzip\r\nContent-Length: 900\r\n\r\n";
    rules.took({weir::http::io_step::state::done, text.size()}, text, false, {});
    BOOST_TEST((rules.next() == weir::http::detail::exchange::action::done));
    BOOST_TEST((rules.how() == weir::http::detail::exchange::ending::keep));
    BOOST_TEST(!into.answer.error.has_value());
    BOOST_TEST(!into.next.has_value());
    BOOST_TEST(into.answer.status == 304U);
}

BOOST_AUTO_TEST_SUITE_END()
