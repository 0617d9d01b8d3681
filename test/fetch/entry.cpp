#include <entry.hpp>

#include <weir/http/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

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
    BOOST_TEST(of(R"({"url":"http://a/","id":-1})").id == "-1");
}

BOOST_AUTO_TEST_CASE(an_id_is_harmless_to_a_terminal)
{
    BOOST_TEST(of("{\"url\":\"http://a/\",\"id\":\"\u009b2J \u202ex\u00fc\"}").id ==
               "\"\\u009b2J \\u202ex\u00fc\"");
    BOOST_TEST(of(R"({"url":"http://a/","id":"\u001b[2J"})").id == R"("\u001b[2J")");
}

BOOST_AUTO_TEST_CASE(what_a_json_line_may_not_have_is_named)
{
    for (const std::string name : {"nonsense", "Method", "header"})
        BOOST_TEST(
            of(R"({"url":"http://a/",")" + name + R"(":"x"})").fault ==
            "\"" + name +
                "\" is not known; a JSON line has url, id, method, headers, body and output");
    for (const std::string text :
         {"{", "{}", R"({"url":7})", R"({"url":"http://a/"} x)", R"({"url":"http://a/","id":[]})"})
        BOOST_TEST(of(text).fault != "", text);
    BOOST_TEST(of("{").url == "{");
}

// As jq prints it without -r, and a line of a table.
BOOST_AUTO_TEST_CASE(quotes_and_columns_around_a_url_are_named)
{
    for (const std::string text :
         {"\"http://a.b/\"", "'https://a.b/'", "7,http://a.b/", R"({"url": "'http://a.b/"})"})
        BOOST_TEST(of(text).fault.starts_with("what stands before :// is no scheme ("), text);
    for (const std::string text : {"a.b/?u='http://c.d/'", "http://a.b/'x'",
                                   "a.b?u=\"http://c.d/\"", "HTTP://a.b/", "//a.b/x'://"})
        BOOST_TEST(of(text).fault == "", text);
}

BOOST_AUTO_TEST_CASE(what_a_text_asks_for_itself_can_be_read_alone)
{
    const place at{place::source::line, 7};
    const auto own = [&](const std::string& text) {
        return weir_fetch::own_request(weir_fetch::tagged(at, text, false));
    };
    BOOST_TEST(own(R"({"url": "http://a/", "method": "PUT", "output": "x"})").method == "PUT");
    BOOST_TEST(own(R"({"url": "http://a/", "output": "x"})").output == "x");
    BOOST_TEST(!own("http://a/{\t{}").is_own());
    BOOST_TEST(own("http://a/").output == "");
}

BOOST_AUTO_TEST_CASE(a_json_line_says_what_is_sent_and_where_the_body_goes)
{
    const entry e =
        of(R"({"url": "http://a/", "method": "PUT", "body": "a\n\u00e9", "output": "x/y",
                          "headers": {"A": "1", "B": ["2", "3"], "C": null, "Expect": null}})");
    BOOST_TEST(e.fault == "");
    BOOST_TEST(e.own.method == "PUT");
    BOOST_TEST(e.own.body.value() == "a\n\xc3\xa9");
    BOOST_TEST(e.own.output == "x/y");
    const std::vector<std::pair<std::string, std::string>> headers = {
        {"A", "1"}, {"B", "2"}, {"B", "3"}};
    BOOST_TEST((e.own.headers == headers));
    const std::vector<std::string> names = {"A", "B", "C", "Expect"};
    BOOST_TEST(e.own.names == names, boost::test_tools::per_element());
    BOOST_TEST(e.own.is_own());
    BOOST_TEST(!of(R"({"url": "http://a/", "output": "x"})").own.is_own());
    BOOST_TEST(of(R"({"url": "http://a/", "body": ""})").own.is_own());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_is_named)
{
    const std::pair<const char*, const char*> rows[] = {
        {R"("method": 7)", "\"method\" is a text"},
        {R"("method": "")", "\"method\" is a text"},
        {R"("method": "A B")", "\"method\": not a request method: A B"},
        {R"("method": "CONNECT")", "\"method\": CONNECT is not supported"},
        {R"("body": {"a": 1})", "\"body\" is a text"},
        {R"("body": null)", "\"body\" is a text"},
        {R"("headers": ["A: b"])", "\"headers\" is an object"},
        {R"("headers": {"A": 1})", "\"headers\": the value of A is a text"},
        {R"("headers": {"A": []})", "\"headers\": the value of A is a text"},
        {R"("headers": {"A": ["b", 1]})", "\"headers\": the value of A is a text"},
        {R"("headers": {"A B": "c"})", "\"headers\": not a header name: A B"},
        {R"("headers": {"A B": null})", "\"headers\": not a header name: A B"},
        {R"("headers": {"A": "b\r\nC: d"})", "\"headers\": a header value must not hold CR"},
        {R"("headers": {"A": "b\u0000"})", "\"headers\": a header value must not hold CR"},
        {R"("headers": {"Content-Length": "7"})", "\"headers\": this header is set by the client"},
        {R"("headers": {"TE": null})", "\"headers\": this header is set by the client: TE"},
        {R"("headers": {"host": null})", "\"headers\": every request needs host"},
        {R"("headers": {"Connection": "upgrade"})", "\"headers\": Connection can be close"},
        {R"("output": 1)", "\"output\" is a text"},
        {R"("output": "../x")", "\"output\": it leads out of its folder"},
    };
    for (const auto& [member, fault] : rows) {
        const entry e = of(R"({"url": "http://a/", )" + std::string(member) + "}");
        BOOST_TEST(e.fault.starts_with(fault), member << ": " << e.fault);
        BOOST_TEST(!weir_fetch::url_of(e));
    }
}

BOOST_AUTO_TEST_CASE(a_word_is_no_url)
{
    for (const std::string text : {"word", "word/path", "two words", "a?b.c", "/etc/x.y",
                                   "//word/a.b", "word\\a.b", "///a.b"})
        BOOST_TEST(of(text).fault != "", text);
    for (const std::string text :
         {"http://word/", "example.com", "word:80/x", "localhost", "localhost/x", "[::1]/x",
          "//example.com/a", "\\\\127.0.0.1:80\\a"})
        BOOST_TEST(of(text).fault == "", text);
}

BOOST_AUTO_TEST_CASE(two_urls_on_a_line_are_none)
{
    for (const std::string text :
         {"http://a/ http://b/", "http://a/\tHTTPS://b/", "a.b/  http://c/"})
        BOOST_TEST(of(text).fault == "there are two URLs; write each on a line of its own", text);
    for (const std::string blank : {"\v", "\f", "\n", "\u00a0", "\u2028", " \u00a0 ", "\u3000"})
        BOOST_TEST(of("http://a/" + blank + "http://b/").fault.starts_with("there are two URLs;"));
    for (const std::string text :
         {"http://a/x y", "http://a/?u=http://b/", "http://a/ ftp://b/", "http://a/ http:/b",
          "http://a/\u00fchttp://b/", "http://a/\rx", "http://a/\u00a0b.c"})
        BOOST_TEST(of(text).fault == "", text);
}

// As a Mac wrote them once: the whole list is one line.
BOOST_AUTO_TEST_CASE(lines_that_end_in_cr_are_named)
{
    for (const std::string text : {"http://a/\rhttp://b/\rhttp://c/", "a.b/1\ra.b/2",
                                   "http://a/ \r http://b/", "http://a/\r//b.c/"})
        BOOST_TEST(of(text).fault ==
                       "there are two URLs with a CR between them; lines end in LF or CRLF",
                   text);
}

BOOST_AUTO_TEST_CASE(blanks_around_a_url_do_not_count)
{
    for (const std::string text : {" http://a/", "\thttp://a/ \r", "\nhttp://a/\n"}) {
        BOOST_TEST(of(text).fault == "");
        BOOST_TEST(of(text).url == "http://a/");
        BOOST_TEST(of(text).text == text);
    }
    BOOST_TEST(of("  ").fault != "");
}

BOOST_AUTO_TEST_CASE(a_line_that_was_cut_is_not_asked_for)
{
    const auto found = weir_fetch::url_of(
        read_entry(weir_fetch::tagged({place::source::line, 1}, "http://a/", true)));
    BOOST_REQUIRE(!found);
    BOOST_CHECK(found.error().kind() == weir::http::error_class::bad_url);
}

BOOST_AUTO_TEST_SUITE_END()
