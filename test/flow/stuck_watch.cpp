#include <weir/flow/detail/pool/stuck_watch.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <vector>

using namespace std::chrono_literals;
using weir::detail::overdue_rule;

BOOST_AUTO_TEST_SUITE(stuck_watch)

BOOST_AUTO_TEST_CASE(an_overdue_job_is_reported_once_and_its_successor_anew)
{
    const weir::time_point start{};
    overdue_rule rule(10s);
    const std::vector<overdue_rule::running> first{{1, start, "a"}, {2, start + 5s, "b"}};
    BOOST_TEST(rule.look(start + 9s, first).empty());
    const auto at_ten = rule.look(start + 10s, first);
    BOOST_REQUIRE(at_ten.size() == 1U);
    BOOST_TEST(at_ten[0].id == 1U);
    BOOST_TEST(at_ten[0].name == "a");
    BOOST_TEST(rule.look(start + 11s, first).empty());
    const auto at_fifteen = rule.look(start + 15s, first);
    BOOST_REQUIRE(at_fifteen.size() == 1U);
    BOOST_TEST(at_fifteen[0].id == 2U);
    BOOST_TEST(rule.look(start + 16s, {}).empty()); // both ended
    BOOST_TEST(rule.look(start + 40s, {{3, start + 20s, ""}}).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
