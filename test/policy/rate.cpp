#include <weir/rate.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(rate)

BOOST_AUTO_TEST_CASE(a_rate_says_how_many_in_which_time)
{
    constexpr weir::rate each(3, 2s);
    static_assert(each.count() == 3 && each.period() == 2s);
    static_assert(weir::rate::per_second(20) == weir::rate(20, 1s));
    static_assert(weir::rate::per_minute(20) == weir::rate(20, 1min));
    static_assert(weir::rate(20, 1s) != weir::rate(1, 50ms));
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    BOOST_TEST(weir::rate(most, 1ns).count() == most);
}

BOOST_AUTO_TEST_CASE(a_rate_of_nothing_or_without_a_period_is_refused)
{
    BOOST_CHECK_THROW(weir::rate(0, 1s), std::invalid_argument);
    BOOST_CHECK_THROW(weir::rate(-1, 1s), std::invalid_argument);
    BOOST_CHECK_THROW(weir::rate(1, 0s), std::invalid_argument);
    BOOST_CHECK_THROW(weir::rate(1, -1ns), std::invalid_argument);
    BOOST_CHECK_THROW((void)weir::rate::per_second(0), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
