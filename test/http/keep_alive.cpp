#include <weir/http/detail/keep_alive.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

using weir::http::detail::idle_time;
using weir::http::detail::keep_alive_seconds;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(http_keep_alive)

BOOST_AUTO_TEST_CASE(the_seconds_of_the_field_are_read)
{
    BOOST_TEST(keep_alive_seconds("timeout=5, max=100").value() == 5u);
    BOOST_TEST(keep_alive_seconds("max=100, timeout=7").value() == 7u);
    for (const char* none : {"", "max=100", "timeout=", "timeout=x", "timeout=99999999999"})
        BOOST_TEST(!keep_alive_seconds(none).has_value());
}

BOOST_AUTO_TEST_CASE(a_server_can_make_the_idle_time_shorter_and_not_longer)
{
    weir::http::headers fields;
    BOOST_TEST((idle_time(fields, 4s) == 4s));
    fields.set("Keep-Alive", "timeout=3");
    BOOST_TEST((idle_time(fields, 4s) == 2s));
    fields.set("Keep-Alive", "timeout=60");
    BOOST_TEST((idle_time(fields, 4s) == 4s));
    fields.set("Keep-Alive", "timeout=0");
    BOOST_TEST((idle_time(fields, 4s) < 0s));
}

BOOST_AUTO_TEST_SUITE_END()
