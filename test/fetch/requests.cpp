#include <requests.hpp>

#include <entry.hpp>
#include <options.hpp>

#include <weir/http/request.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/url.hpp>

#include "http/support/wire_header.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(requests_of_lines)

namespace http = weir::http;
using weir_fetch::entry;
using weir_fetch::options;
using weir_fetch::requests;

entry with(const std::string& members)
{
    const std::string line = R"({"url": "http://a.example/x")" + members + "}";
    return weir_fetch::read_entry(weir_fetch::tagged({}, line, false));
}

/// The request as it is sent, after its first line and Host.
std::string sent(const options& chosen, const entry& what)
{
    BOOST_TEST(what.fault == "");
    const requests all(chosen);
    const auto made = all.request_for(http::url::parse(what.url).value(), what.own);
    std::string out = weir::test::wire_header(made, "weir");
    const std::string host = " /x HTTP/1.1\r\nHost: a.example\r\n";
    const auto at = out.find(host);
    BOOST_REQUIRE(at != std::string::npos);
    out.replace(at, host.size(), "\r\n");
    if (const auto* const body = made.body().in_memory())
        out += *body;
    return out;
}

BOOST_AUTO_TEST_CASE(without_members_it_is_that_of_the_command_line)
{
    options chosen;
    chosen.headers = {{"A", "1"}};
    BOOST_TEST(sent(chosen, with("")) == "GET\r\nUser-Agent: weir\r\nAccept: */*\r\nA: 1\r\n\r\n");
    BOOST_TEST(sent(chosen, with(R"(, "output": "y", "id": 1)")) == sent(chosen, with("")));
}

BOOST_AUTO_TEST_CASE(a_body_is_posted_unless_a_method_is_named)
{
    options chosen;
    BOOST_TEST(sent(chosen, with(R"(, "body": "a")")).starts_with("POST\r\n"));
    BOOST_TEST(sent(chosen, with(R"(, "body": "")")).starts_with("POST\r\n"));
    BOOST_TEST(sent(chosen, with(R"(, "body": "a")")).ends_with("\r\n\r\na"));
    BOOST_TEST(sent(chosen, with(R"(, "body": "a", "method": "PUT")")).starts_with("PUT\r\n"));
    chosen.method = "PATCH";
    chosen.method_given = true;
    BOOST_TEST(sent(chosen, with(R"(, "body": "a")")).starts_with("PATCH\r\n"));
    BOOST_TEST(sent(chosen, with(R"(, "body": "a", "method": "PUT")")).starts_with("PUT\r\n"));
    BOOST_TEST(sent(chosen, with(R"(, "method": "GET")")).starts_with("GET\r\n"));
}

BOOST_AUTO_TEST_CASE(a_body_of_the_line_replaces_data_and_its_type)
{
    options chosen;
    chosen.data = "a=b";
    chosen.method = "POST";
    const std::string type = "Content-Type: application/x-www-form-urlencoded\r\n";
    BOOST_TEST(sent(chosen, with("")).find(type) != std::string::npos);
    BOOST_TEST(sent(chosen, with("")).ends_with("\r\n\r\na=b"));
    const std::string put = sent(chosen, with(R"(, "method": "PUT")"));
    BOOST_TEST(put.find(type) != std::string::npos);
    BOOST_TEST(put.ends_with("\r\n\r\na=b"));
    const std::string own = sent(chosen, with(R"(, "body": "{}")"));
    BOOST_TEST(own == "POST\r\nUser-Agent: weir\r\nAccept: */*\r\n\r\n{}");
    BOOST_TEST(sent(chosen, with(R"(, "headers": {"content-type": null})")).find("ype") ==
               std::string::npos);
    chosen.headers = {{"Content-Type", "text/plain"}};
    BOOST_TEST(sent(chosen, with(R"(, "body": "{}")")).find("text/plain") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_header_of_the_line_replaces_those_of_its_name)
{
    options chosen;
    chosen.headers = {{"A", "1"}, {"B", "2"}, {"a", "3"}};
    chosen.without = {"Accept"};
    BOOST_TEST(sent(chosen, with(R"(, "headers": {"A": ["4", "5"], "C": ""})")) ==
               "GET\r\nUser-Agent: weir\r\nB: 2\r\nA: 4\r\nA: 5\r\nC: \r\n\r\n");
    BOOST_TEST(sent(chosen, with(R"(, "headers": {"b": null, "user-agent": null, "X": null})")) ==
               "GET\r\nA: 1\r\na: 3\r\n\r\n");
    BOOST_TEST(sent(chosen, with(R"(, "headers": {"Accept": "x", "User-Agent": "me"})")) ==
               "GET\r\nA: 1\r\nB: 2\r\na: 3\r\nAccept: x\r\nUser-Agent: me\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_line_may_send_its_body_without_waiting)
{
    const options chosen;
    const requests all(chosen);
    const auto target = http::url::parse("http://a.example/x").value();
    const entry what = with(R"(, "headers": {"Expect": null})");
    BOOST_TEST(all.request_for(target, what.own).options().expect_above().value() ==
               http::request_options::never_expect);
    BOOST_TEST(!all.request_for(target, with("").own).options().expect_above());
}

BOOST_AUTO_TEST_CASE(another_host_gets_no_header_of_a_line_that_says_something_about_the_user)
{
    const options chosen;
    const requests all(chosen);
    const entry what = with(R"(, "headers": {"X-Key": "secret", "Accept": "text/html"})");
    const auto first = all.request_for(http::url::parse(what.url).value(), what.own);
    const auto moved = first.moved_to(http::url::parse("http://b.example/").value(), "GET");
    BOOST_TEST(first.fields().count("X-Key") == 1U);
    BOOST_TEST(moved.fields().count("X-Key") == 0U);
    BOOST_TEST(moved.fields().count("Accept") == 1U);
}

BOOST_AUTO_TEST_CASE(what_does_not_go_with_the_command_line_is_a_fault_of_the_line)
{
    const auto fault = [](const options& chosen, const std::string& members) {
        return requests(chosen).fault_of(with(members));
    };
    options chosen;
    BOOST_TEST(fault(chosen, R"(, "body": "a", "output": "b", "headers": {"Range": "x"})") == "");
    chosen.method = "HEAD"; // by --head
    BOOST_TEST(fault(chosen, R"(, "body": "a")") != "");
    BOOST_TEST(fault(chosen, R"(, "body": "a", "method": "PUT")") == "");
    chosen = {};
    chosen.compressed = true;
    BOOST_TEST(fault(chosen, R"(, "headers": {"Accept-Encoding": null})") != "");
    BOOST_TEST(fault(chosen, R"(, "headers": {"Accept-Encoding": "br"})") == "");
    chosen = {};
    chosen.continues = true;
    for (const char* members : {R"(, "body": "a")", R"(, "method": "PUT")", R"(, "output": "b")",
                                R"(, "headers": {"Range": "bytes=0-1"})"})
        BOOST_TEST(fault(chosen, members) != "", members);
    BOOST_TEST(fault(chosen, R"(, "method": "GET", "headers": {"A": "b"})") == "");
}

BOOST_AUTO_TEST_SUITE_END()
