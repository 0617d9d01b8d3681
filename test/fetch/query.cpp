#include <query.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(query)

using weir_fetch::with_query;

BOOST_AUTO_TEST_CASE(it_comes_behind_what_is_there)
{
    BOOST_TEST(with_query("http://a/b", "c=d") == "http://a/b?c=d");
    BOOST_TEST(with_query("a", "c") == "a?c");
    BOOST_TEST(with_query("http://a/?x=y", "c=d") == "http://a/?x=y&c=d");
    BOOST_TEST(with_query("http://a/?", "c=d") == "http://a/?c=d");
    BOOST_TEST(with_query("http://a/?x&", "c=d") == "http://a/?x&c=d");
}

BOOST_AUTO_TEST_CASE(the_fragment_stays_at_the_end)
{
    BOOST_TEST(with_query("http://a/b#e?f", "c=d") == "http://a/b?c=d#e?f");
    BOOST_TEST(with_query("http://a/?x#", "c=d") == "http://a/?x&c=d#");
}

BOOST_AUTO_TEST_CASE(an_empty_one_changes_nothing)
{
    BOOST_TEST(with_query("http://a/b#c", "") == "http://a/b#c");
    BOOST_TEST(with_query("http://a/?", "") == "http://a/?");
}

BOOST_AUTO_TEST_SUITE_END()
