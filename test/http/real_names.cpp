#include <weir/http/detail/ares_source.hpp>

#include "support/watchdog.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::http::address_family;
using weir::http::name_answer;
using weir::http::detail::ares_source;

// Needs a dnsmasq: test/apps/test_name_server.py starts one, and then these.
BOOST_AUTO_TEST_SUITE(http_real_names, *boost::unit_test::disabled())

name_answer find(const std::string& name, address_family which)
{
    const weir::test::watchdog guard;
    const char* server = std::getenv("WEIR_NAME_SERVER");
    BOOST_REQUIRE(server != nullptr);
    asio::io_context io(1);
    ares_source source(io.get_executor(), std::vector<std::string>(1, server));
    std::optional<name_answer> got;
    source.ask(name, which, [&](const name_answer& answer) { got = answer; });
    io.run();
    BOOST_REQUIRE(got.has_value());
    return *got;
}

BOOST_AUTO_TEST_CASE(each_family_has_its_address_and_its_ttl)
{
    const auto four = find("one.test", address_family::v4);
    BOOST_REQUIRE(four.found.size() == 1U);
    BOOST_TEST(four.found.front().to_string() == "192.0.2.1");
    BOOST_TEST((four.ttl == 40s));
    const auto six = find("one.test", address_family::v6);
    BOOST_REQUIRE(six.found.size() == 1U);
    BOOST_TEST(six.found.front().to_string() == "2001:db8::1");
}

BOOST_AUTO_TEST_CASE(an_alias_is_followed_and_its_shorter_ttl_counts)
{
    const auto answer = find("alias.test", address_family::v4);
    BOOST_REQUIRE(answer.found.size() == 1U);
    BOOST_TEST(answer.found.front().to_string() == "192.0.2.1");
    BOOST_TEST((answer.ttl == 11s));
}

BOOST_AUTO_TEST_CASE(an_answer_too_long_for_udp_comes_by_tcp)
{
    BOOST_TEST(find("big.test", address_family::v4).found.size() == 60U);
}

BOOST_AUTO_TEST_CASE(no_name_no_address_and_no_answer_differ)
{
    BOOST_TEST((find("missing.test", address_family::v4).error == asio::error::host_not_found));
    BOOST_TEST((find("four.test", address_family::v6).error == asio::error::no_data));
    // Not its own, and there is no other server to pass it on to: REFUSED.
    BOOST_TEST(
        (find("other.example", address_family::v4).error == asio::error::host_not_found_try_again));
}

BOOST_AUTO_TEST_SUITE_END()
