// The rule of sessions that carry several streams, in every order. Over HTTP/1.1: test/http.
#include "http/support/pool_states.hpp"

#include <boost/test/unit_test.hpp>

using weir::test::expect_no_violation;
using weir::test::pool_scope;

BOOST_AUTO_TEST_SUITE(http_sessions_in_every_order)

BOOST_AUTO_TEST_CASE(three_requests_at_two_sessions_of_two_streams)
{
    pool_scope scope;
    scope.capacity = 2;
    expect_no_violation("two sessions of two streams", scope, 10'000);
}

BOOST_AUTO_TEST_SUITE_END()
