#include <weir/http/host_map.hpp>

#include <weir/http/detail/host_port.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

using weir::http::host_map;
using weir::http::detail::parse_host_port;

BOOST_AUTO_TEST_SUITE(http_host_map)

std::string first(const host_map& map, const std::string& host, std::uint16_t port)
{
    const auto* found = map.find(host, port);
    return found ? found->front().to_string() : "";
}

std::string led(const host_map& map, const std::string& host, std::uint16_t port)
{
    const auto to = map.lead(host, port);
    return to.host + " " + std::to_string(to.port);
}

BOOST_AUTO_TEST_CASE(a_host_and_a_port_are_read_in_all_their_forms)
{
    struct row {
        const char* text;
        const char* host;
        int port; // 0: none; -1: refused
    };
    const row rows[] = {
        {"example.com", "example.com", 0},
        {"Example.COM.:8080", "example.com", 8080},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example", 0},
        {":443", "", 443},
        {"", "", 0},
        {"*:443", "*", 443},
        {"192.0.2.1:80", "192.0.2.1", 80},
        {"[2001:DB8::1]:443", "2001:db8::1", 443},
        {"[2001:db8::1]", "2001:db8::1", 0},
        {"2001:db8:0::1", "2001:db8::1", 0},
        {"example.com:0", "", -1},
        {"example.com:65536", "", -1},
        {"example.com:", "", -1},
        {"example.com:x", "", -1},
        {"[2001:db8::1", "", -1},
        {"[2001:db8::1]x", "", -1},
        {"a b:1", "", -1},
    };
    for (const row& r : rows)
        BOOST_TEST_CONTEXT(r.text)
        {
            const auto read = parse_host_port(r.text);
            BOOST_TEST(read.has_value() == (r.port != -1));
            if (!read)
                continue;
            BOOST_TEST(read->host == r.host);
            BOOST_TEST(read->port.value_or(0) == r.port);
        }
}

BOOST_AUTO_TEST_CASE(the_line_that_says_most_has_the_addresses)
{
    host_map map;
    map.resolve("*", {"192.0.2.1"}).resolve("*:81", {"192.0.2.2"});
    map.resolve("one.example", {"192.0.2.3", "2001:db8::3"})
        .resolve("one.example:81", {"192.0.2.4"});
    BOOST_TEST(first(map, "two.example", 80) == "192.0.2.1");
    BOOST_TEST(first(map, "two.example", 81) == "192.0.2.2");
    BOOST_TEST(first(map, "one.example", 80) == "192.0.2.3");
    BOOST_TEST(first(map, "one.example.", 81) == "192.0.2.4");
    BOOST_TEST(map.find("one.example", 80)->size() == 2U);
    map.resolve("ONE.example", {"192.0.2.5"}); // in place of the first
    BOOST_TEST(first(map, "one.example", 80) == "192.0.2.5");
    BOOST_TEST(first(host_map().resolve("a:1", {"192.0.2.1"}), "a", 2) == "");
}

BOOST_AUTO_TEST_CASE(the_first_line_that_fits_leads_elsewhere)
{
    host_map map;
    map.connect_to("one.example:443", "two.example:8443").connect_to("one.example", ":81");
    map.connect_to(":444", "three.example").connect_to("[2001:db8::1]", "[2001:db8::2]:1");
    BOOST_TEST(led(map, "one.example", 443) == "two.example 8443");
    BOOST_TEST(led(map, "one.example", 444) == "one.example 81");
    BOOST_TEST(led(map, "other.example", 444) == "three.example 444");
    BOOST_TEST(led(map, "2001:db8::1", 80) == "2001:db8::2 1");
    BOOST_TEST(led(map, "other.example", 80) == "other.example 80");
    BOOST_TEST(map.leads("one.example.", 443));
    BOOST_TEST(!map.leads("other.example", 443));
}

BOOST_AUTO_TEST_CASE(a_line_that_cannot_be_read_is_refused)
{
    host_map map;
    BOOST_CHECK_THROW(map.resolve("", {"192.0.2.1"}), std::invalid_argument);
    BOOST_CHECK_THROW(map.resolve("a:x", {"192.0.2.1"}), std::invalid_argument);
    BOOST_CHECK_THROW(map.resolve("a", {}), std::invalid_argument);
    BOOST_CHECK_THROW(map.resolve("a", {"b"}), std::invalid_argument);
    BOOST_CHECK_THROW(map.connect_to("*", "b"), std::invalid_argument);
    BOOST_CHECK_THROW(map.connect_to("a", "b:0"), std::invalid_argument);
    BOOST_TEST(!map.find("a", 80));
    BOOST_TEST(!map.leads("a", 80));
}

BOOST_AUTO_TEST_SUITE_END()
