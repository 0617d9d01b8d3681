#include <weir/http/detail/keep_alive.hpp>

#include <weir/http/headers.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string_view>

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
    const auto with = [](std::string_view value) {
        weir::http::headers fields;
        fields.append("Keep-Alive", value);
        return idle_time(fields, 4s);
    };
    BOOST_TEST((idle_time({}, 4s) == 4s));
    BOOST_TEST((with("timeout=3") == 2s));
    BOOST_TEST((with("timeout=60") == 4s));
    BOOST_TEST((with("timeout=0") < 0s));
}

BOOST_AUTO_TEST_SUITE_END()
