#include "slow_hosts.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <string>

using namespace std::chrono_literals;
using weir_fetch::host_in;
using weir_fetch::slow_hosts;

BOOST_AUTO_TEST_SUITE(fetch_slow_hosts)

BOOST_AUTO_TEST_CASE(the_slowest_on_average_comes_first)
{
    slow_hosts all;
    for (int i = 0; i < 9; ++i)
        all.add("http://quick.example/", 10ms);
    all.add("http://quick.example/slow", 900ms); // once is no rule
    all.add("http://slow.example:8080/a", 200ms);
    all.add("http://slow.example:8080/b", 400ms);
    all.add("https://other.example/", 150ms);
    const auto found = all.slowest(2);
    BOOST_TEST_REQUIRE(found.size() == 2U);
    BOOST_TEST(found[0].name == "slow.example:8080");
    BOOST_TEST(found[0].urls == 2U);
    BOOST_TEST((found[0].mean() == 300ms));
    BOOST_TEST(found[1].name == "other.example");
    BOOST_TEST(all.slowest(9).size() == 3U);
}

BOOST_AUTO_TEST_CASE(one_host_alone_is_not_the_slowest)
{
    slow_hosts all;
    BOOST_TEST(all.slowest(2).empty());
    all.add("http://a.example/", 10ms);
    all.add("", 10ms); // of a line that is no URL
    BOOST_TEST(all.slowest(2).empty());
    all.add("http://b.example/", 10ms);
    BOOST_TEST(all.slowest(2).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_host_is_known_without_its_user_and_its_path)
{
    BOOST_TEST(host_in("http://a.example") == "a.example");
    BOOST_TEST(host_in("http://a.example:80/b@c") == "a.example:80");
    BOOST_TEST(host_in("http://user:pa@ss@a.example/b") == "a.example");
    BOOST_TEST(host_in("http://[::1]:8080?q") == "[::1]:8080");
    BOOST_TEST(host_in("no url").empty());
}

BOOST_AUTO_TEST_CASE(a_name_commands_no_terminal_and_has_a_column_for_each_byte)
{
    slow_hosts all;
    all.add("http://\x1b[2J/", 20ms);
    all.add("http://\xC3\xA4.example/", 10ms);
    const auto found = all.slowest(2);
    BOOST_TEST(found[0].name == "\\x1B[2J");
    BOOST_TEST(found[1].name == "??.example");
}

// However many hosts a list has.
BOOST_AUTO_TEST_CASE(so_many_are_known_and_slow_ones_are_not_forgotten)
{
    slow_hosts all;
    all.add("http://slow.example/", 1h);
    for (int i = 0; i < 100'000; ++i) {
        all.add("http://h" + std::to_string(i) + ".example/", 1ms * (i % 100));
        BOOST_TEST_REQUIRE(all.size() <= slow_hosts::most);
    }
    BOOST_TEST(all.size() >= slow_hosts::most / 2);
    BOOST_TEST(all.slowest(1).at(0).name == "slow.example");
}

BOOST_AUTO_TEST_SUITE_END()
