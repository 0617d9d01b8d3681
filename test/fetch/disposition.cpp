#include <disposition.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(disposition)

using weir_fetch::disposition_name;

BOOST_AUTO_TEST_CASE(a_name_stands_in_quotation_marks_or_without)
{
    BOOST_TEST(disposition_name("attachment; filename=\"a report.pdf\"") == "a report.pdf");
    BOOST_TEST(disposition_name("attachment; filename=report.pdf") == "report.pdf");
    BOOST_TEST(disposition_name("inline;FILENAME = report.pdf ; size=3") == "report.pdf");
    BOOST_TEST(disposition_name("attachment; filename=a report.pdf; x") == "a report.pdf");
    BOOST_TEST(disposition_name("attachment; filename=\"a;b.pdf\"") == "a;b.pdf");
    BOOST_TEST(disposition_name(R"(attachment; filename="a\"b\\c")") == R"(a"b\c)");
}

BOOST_AUTO_TEST_CASE(the_extended_name_goes_before)
{
    BOOST_TEST(disposition_name("attachment; filename=x; filename*=UTF-8''%e2%82%ac%20y") ==
               "%E2%82%AC y");
    BOOST_TEST(disposition_name("attachment; filename*=utf-8'en'y; filename=x") == "y");
    BOOST_TEST(disposition_name("attachment; filename*=ISO-8859-1''%A3") == "%C2%A3");
}

BOOST_AUTO_TEST_CASE(an_extended_name_that_cannot_be_read_does_not_count)
{
    for (const char* value : {"y", "UTF-8'y", "UTF-8''%zz", "UTF-8''%4", "UTF-8''%", "x-own''y"})
        BOOST_TEST(disposition_name("attachment; filename=x; filename*=" + std::string(value)) ==
                   "x");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_ascii_are_encoded_as_in_a_url)
{
    BOOST_TEST(disposition_name("attachment; filename=\"\xc3\xa9.txt\"") == "%C3%A9.txt");
}

BOOST_AUTO_TEST_CASE(no_name_is_empty)
{
    for (const char* value : {"", "attachment", "attachment;", "filename=x", "attachment; filename",
                              "attachment; =x", "attachment; filename=", "attachment; filename=\"",
                              "attachment; filename=\"\"", "attachment; name=x", "\"; filename=x"})
        BOOST_TEST(disposition_name(value).empty(), value);
}

BOOST_AUTO_TEST_SUITE_END()
