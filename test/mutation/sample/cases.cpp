#include "cases.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>

BOOST_AUTO_TEST_SUITE(counting)

BOOST_AUTO_TEST_CASE(three_steps)
{
    BOOST_TEST(sample::countdown(3) == 3);
}
BOOST_AUTO_TEST_CASE(may_fail_without_a_fault)
{
    BOOST_TEST(std::getenv("SAMPLE_FAILS") == nullptr);
}
BOOST_AUTO_TEST_CASE(the_larger_of_two)
{
    BOOST_TEST(sample::larger(1, 2) == 2);
    BOOST_TEST(sample::larger(2, 1) == 2);
    BOOST_TEST(sample::larger(2, 2) == 2); // cannot tell < from <=
}

BOOST_AUTO_TEST_SUITE_END()
