#include <weir/http/detail/duration_text.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

using namespace std::chrono_literals;
using weir::http::detail::text_of;

BOOST_AUTO_TEST_SUITE(http_duration_text)

BOOST_AUTO_TEST_CASE(a_length_of_time_is_in_seconds_without_zeros_at_its_end)
{
    BOOST_TEST(text_of(30s) == "30 s");
    BOOST_TEST(text_of(24h) == "86400 s");
    BOOST_TEST(text_of(2500ms) == "2.5 s");
    BOOST_TEST(text_of(250ms) == "0.25 s");
    BOOST_TEST(text_of(1005ms) == "1.005 s");
    BOOST_TEST(text_of(50ms) == "0.05 s");
    BOOST_TEST(text_of(1ms) == "0.001 s");
    BOOST_TEST(text_of(999us) == "0 s");
    BOOST_TEST(text_of(0s) == "0 s");
}

BOOST_AUTO_TEST_SUITE_END()
