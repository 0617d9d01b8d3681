#include <weir/http/request.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

using namespace std::string_view_literals;
using weir::http::request;
using weir::http::url;

BOOST_AUTO_TEST_SUITE(http_request)

url at(const char* text)
{
    return url::parse(text).value();
}

BOOST_AUTO_TEST_CASE(the_header_comes_in_the_order_servers_expect)
{
    request what(at("http://user@example.com:8080/a?b#c"));
    what.header("X-One", "1");
    const std::string head = wire_header(what, "agent/1");
    BOOST_TEST(
        head.find(
            "GET /a?b HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: agent/1\r\nAccept:") == 0U);
    BOOST_TEST(head.find("X-One: 1\r\n") != std::string::npos);
    BOOST_TEST(head.substr(head.size() - 4) == "\r\n\r\n");
    BOOST_TEST(head.find('#') == std::string::npos); // the fragment is never sent
}

BOOST_AUTO_TEST_CASE(nothing_breaks_out_of_its_line)
{
    request what(at("http://h/"));
    BOOST_CHECK_THROW(what.header("A\r\nB", "x"), std::invalid_argument);
    BOOST_CHECK_THROW(what.header("A", "x\r\nB: y"), std::invalid_argument);
    BOOST_CHECK_THROW(what.header("A", "x\0y"sv), std::invalid_argument);
    BOOST_CHECK_THROW(what.header("", "x"), std::invalid_argument);
    BOOST_CHECK_THROW(what.header("Host", "other"), std::invalid_argument);
    BOOST_CHECK_THROW(what.header("Transfer-Encoding", "chunked"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(secrets_stay_with_their_origin)
{
    request what(at("http://h/"));
    what.header("Authorization", "x").header("Accept", "y").secret_header("X-Key", "z");
    const auto same = what.moved_to(at("http://h/b"), what.method());
    BOOST_TEST(same.fields().count("X-Key") == 1U);
    for (const char* other : {"http://g/", "https://h/", "http://h:81/"}) {
        const auto moved = what.moved_to(at(other), what.method());
        BOOST_TEST(moved.fields().count("Authorization") == 0U);
        BOOST_TEST(moved.fields().count("X-Key") == 0U);
        BOOST_TEST(moved.fields().count("Accept") == 1U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
