// The rule of sessions, in every order of what may happen: each state is looked at once.
#include "http/support/pool_states.hpp"

#include <boost/test/unit_test.hpp>

using weir::test::expect_no_violation;
using weir::test::pool_scope;

BOOST_AUTO_TEST_SUITE(session_pool_in_every_order)

BOOST_AUTO_TEST_CASE(three_requests_at_two_sessions)
{
    expect_no_violation("three requests, two sessions", pool_scope(), 10'000);
}

BOOST_AUTO_TEST_CASE(three_requests_at_one_session_that_may_be_refused_for_ever)
{
    pool_scope scope;
    scope.sessions = 1;
    scope.refusals = 9;
    expect_no_violation("three requests, one session", scope, 800);
}

BOOST_AUTO_TEST_CASE(three_requests_of_two_origins_and_no_or_one_idle_session)
{
    pool_scope scope;
    scope.sessions = 1;
    scope.max_idle = 1;
    scope.requests = {"a", "b", "a"};
    expect_no_violation("two origins, one idle", scope, 1000);
    scope.max_idle = 0;
    expect_no_violation("two origins, none idle", scope, 1000);
}

BOOST_AUTO_TEST_SUITE_END()
