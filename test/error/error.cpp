#include <weir/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <system_error>

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(an_enumerator_becomes_an_error_code_of_weir)
{
    const weir::error_code code = weir::errc::closed;
    BOOST_TEST(code.category().name() == std::string("weir"));
    BOOST_TEST(code.value() == 1); // 0 would read as success
    BOOST_TEST(code.message().find("closed") == 0U);
}

BOOST_AUTO_TEST_CASE(each_enumerator_has_a_message_of_its_own)
{
    const weir::error_code codes[] = {weir::errc::closed,      weir::errc::full,
                                      weir::errc::timed_out,   weir::errc::too_large,
                                      weir::errc::no_capacity, weir::errc::taken,
                                      weir::errc::not_in_time, weir::errc::breaker_open,
                                      weir::errc::failed,      weir::errc::held_too_long};
    for (const auto& a : codes)
        for (const auto& b : codes)
            BOOST_TEST((a == b) == (a.message() == b.message()));
}

BOOST_AUTO_TEST_CASE(timed_out_equals_the_generic_condition)
{
    const weir::error_code code = weir::errc::timed_out;
    BOOST_TEST((code == boost::system::errc::timed_out));
    BOOST_TEST(!(weir::error_code(weir::errc::closed) == boost::system::errc::timed_out));
}

BOOST_AUTO_TEST_SUITE_END()
