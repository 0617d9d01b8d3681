#include <weir/http/request.hpp>

#include <weir/http/detail/upload.hpp>

#include "http/support/wire_header.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

using namespace std::string_view_literals;
using weir::http::request;
using weir::http::url;
using weir::test::wire_header;

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
    BOOST_CHECK_THROW(what.header("Host", "a\r\nB: y"), std::invalid_argument);
    BOOST_CHECK_THROW(what.header("Transfer-Encoding", "chunked"), std::invalid_argument);
    for (const char* name : {"content-length", "TE", "Trailer", "Upgrade"})
        BOOST_CHECK_THROW(what.header(name, "0"), std::invalid_argument);
    BOOST_CHECK_THROW(what.header("Connection", "upgrade"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(what_the_client_would_write_can_be_left_out)
{
    request what(at("http://h/"));
    what.without("user-agent").without("Accept");
    const std::string bare = "GET / HTTP/1.1\r\nHost: h\r\n";
    BOOST_TEST(wire_header(what, "agent/1") == bare + "\r\n");
    const request moved = what.moved_to(at("http://other/"), "GET");
    BOOST_TEST(wire_header(moved, "agent/1") == "GET / HTTP/1.1\r\nHost: other\r\n\r\n");
    what.header("Accept", "text/html"); // one of its own is sent
    BOOST_TEST(wire_header(what, "agent/1") == bare + "Accept: text/html\r\n\r\n");
    BOOST_CHECK_THROW(what.without("Host"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_method_is_any_token_but_connect)
{
    const auto line_of = [](const char* method) {
        const std::string head = wire_header(request(at("http://h/"), method), "agent/1");
        return head.substr(0, head.find("\r\n"));
    };
    BOOST_TEST(line_of("GET") == "GET / HTTP/1.1");
    BOOST_TEST(line_of("PROPFIND") == "PROPFIND / HTTP/1.1");
    BOOST_TEST(line_of("get") == "get / HTTP/1.1"); // another method, says RFC 9110 section 9.1
    for (const char* bad : {"", "GET /x", "G\r\nH", "G:", "CONNECT"})
        BOOST_CHECK_THROW(request(at("http://h/"), bad), std::invalid_argument);
    BOOST_TEST(weir::http::is_idempotent("PUT"));
    BOOST_TEST(!weir::http::is_idempotent("POST"));
    BOOST_TEST(!weir::http::is_idempotent("get"));
}

// Without it servers answer 411.
BOOST_AUTO_TEST_CASE(a_method_that_has_a_body_says_that_there_is_none)
{
    for (const std::string method : {"POST", "PUT", "PATCH", "GET", "DELETE"}) {
        const std::string head =
            weir::http::detail::upload(request(at("http://h/"), method), 0).framing();
        const bool has_body = method != "GET" && method != "DELETE";
        BOOST_TEST((head == "Content-Length: 0\r\n") == has_body);
    }
}

BOOST_AUTO_TEST_CASE(a_host_of_the_users_stands_first_and_alone_and_stays_with_its_origin)
{
    request what(at("http://h:81/a"));
    what.header("X-One", "1").header("host", "first.example").header("Host", "other.example");
    const std::string head = wire_header(what, "agent/1");
    BOOST_TEST(head.find("GET /a HTTP/1.1\r\nHost: other.example\r\n") == 0U);
    BOOST_TEST(head.find("first.example") == std::string::npos);
    BOOST_TEST(head.find("h:81") == std::string::npos);
    BOOST_TEST(what.target().origin() == "http://h:81");
    BOOST_TEST(what.moved_to(at("http://h:81/b"), "GET").fields().count("Host") == 1U);
    BOOST_TEST(what.moved_to(at("http://g/"), "GET").fields().count("Host") == 0U);
}

BOOST_AUTO_TEST_CASE(a_header_may_be_set_to_what_it_is)
{
    request ask(url::parse("http://a.example/").value());
    ask.header("Host", "a name that is longer than a string keeps in itself");
    ask.header("Host", ask.fields()["Host"]);
    BOOST_TEST(ask.fields()["Host"] == "a name that is longer than a string keeps in itself");
    BOOST_TEST(ask.fields().count("Host") == 1U);
}

BOOST_AUTO_TEST_CASE(secrets_stay_with_their_origin)
{
    request what(at("http://h/"));
    what.header("Authorization", "x").header("Accept", "y").secret_header("X-Key", "z");
    what.header("Cookie", "c=d").header("Proxy-Authorization", "v");
    const auto same = what.moved_to(at("http://h/b"), what.method());
    BOOST_TEST(same.fields().count("X-Key") == 1U);
    for (const char* other : {"http://g/", "https://h/", "http://h:81/"}) {
        const auto moved = what.moved_to(at(other), what.method());
        for (const char* secret : {"Authorization", "Cookie", "Proxy-Authorization"})
            BOOST_TEST(moved.fields().count(secret) == 0U, secret);
        BOOST_TEST(moved.fields().count("X-Key") == 0U);
        BOOST_TEST(moved.fields().count("Accept") == 1U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
