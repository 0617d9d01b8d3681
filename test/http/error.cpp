#include <weir/http/error.hpp>

#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

using weir::error_code;
using weir::http::error_class;
using weir::http::failure;

BOOST_AUTO_TEST_SUITE(http_error)

BOOST_AUTO_TEST_CASE(a_failure_never_has_the_code_of_success)
{
    const failure own(error_class::incomplete, "it ended");
    BOOST_TEST(own.code().failed());
    BOOST_TEST((own.code() == error_class::incomplete));
    BOOST_TEST((own.code() != error_class::protocol));
    BOOST_TEST(own.code().category().name() == std::string("weir.http"));
    const failure theirs(error_class::connect, "refused", boost::asio::error::connection_refused);
    BOOST_TEST((theirs.code() == boost::asio::error::connection_refused));
    BOOST_TEST(!failure().code().failed()); // it is none yet
}

BOOST_AUTO_TEST_CASE(the_code_of_a_class_says_its_name)
{
    for (int i = 1; i <= static_cast<int>(error_class::internal); ++i) {
        const error_code code = static_cast<error_class>(i);
        BOOST_TEST(code.message() == std::string(name(static_cast<error_class>(i))));
        BOOST_TEST(code.message() != "unknown");
    }
}

BOOST_AUTO_TEST_SUITE_END()
