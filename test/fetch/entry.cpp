#include <entry.hpp>

#include <weir/http/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using weir_fetch::entry;
using weir_fetch::place;
using weir_fetch::read_entry;

BOOST_AUTO_TEST_SUITE(entries)

entry of(const std::string& text)
{
    return read_entry(weir_fetch::tagged({place::source::line, 7}, text, false));
}

BOOST_AUTO_TEST_CASE(an_entry_knows_where_it_was_read)
{
    const place argument{place::source::argument, 12};
    const entry e = read_entry(weir_fetch::tagged(argument, "http://a/\tb", false));
    BOOST_TEST(e.at.text() == "argument 12");
    BOOST_TEST(e.text == "http://a/\tb");
    BOOST_TEST(of("http://a/").at.text() == "line 7");
}

BOOST_AUTO_TEST_CASE(a_line_is_a_url_or_a_json_object)
{
    BOOST_TEST(of("http://a/").url == "http://a/");
    const entry e = of(R"({"id": "x\"1", "url": "http://a/"})");
    BOOST_TEST(e.url == "http://a/");
    BOOST_TEST(e.id == R"("x\"1")");
    BOOST_TEST(e.fault == "");
    BOOST_TEST(e.text.front() == '{');
    BOOST_TEST(of(R"({"url":"http://a/","id":17})").id == "17");
}

BOOST_AUTO_TEST_CASE(what_a_json_line_may_not_have_is_named)
{
    for (const std::string name : {"method", "headers", "body", "output", "nonsense"})
        BOOST_TEST(of(R"({"url":"http://a/",")" + name + R"(":"x"})").fault.find(name) !=
                   std::string::npos);
    for (const std::string text :
         {"{", "{}", R"({"url":7})", R"({"url":"http://a/"} x)", R"({"url":"http://a/","id":[]})"})
        BOOST_TEST(of(text).fault != "", text);
    BOOST_TEST(of("{").url == "{");
}

BOOST_AUTO_TEST_CASE(a_word_is_no_url)
{
    for (const std::string text : {"word", "word/path", "two words", "a?b.c", "/etc/x.y"})
        BOOST_TEST(of(text).fault != "", text);
    for (const std::string text :
         {"http://word/", "example.com", "word:80/x", "localhost", "localhost/x", "[::1]/x"})
        BOOST_TEST(of(text).fault == "", text);
}

BOOST_AUTO_TEST_CASE(a_line_that_was_cut_is_not_asked_for)
{
    const auto found =
        weir_fetch::url_in(weir_fetch::tagged({place::source::line, 1}, "http://a/", true));
    BOOST_REQUIRE(!found);
    BOOST_CHECK(found.error().kind() == weir::http::error_class::bad_url);
}

BOOST_AUTO_TEST_SUITE_END()
