#include <head_copy.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>

BOOST_AUTO_TEST_SUITE(head_copy)

/// What is copied of two exchanges that are received in parts of this size.
std::string copied(const std::string& received, std::size_t part)
{
    weir_fetch::head_copy copy;
    std::string out = copy.take("nothing before the first exchange\r\n\r\n");
    for (int exchange = 0; exchange != 2; ++exchange) {
        copy.begin();
        for (std::size_t at = 0; at < received.size(); at += part)
            out += copy.take(std::string_view(received).substr(at, part));
    }
    return out;
}

BOOST_AUTO_TEST_CASE(headers_are_copied_and_bodies_are_not)
{
    const std::string heads = "HTTP/1.1 100 Continue\r\n\r\n"
                              "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
                              "HTTP/1.0 404 It is  gone\nOdd :  x\n folded\n\n";
    const std::string body = "HTTP/1.1 200 OK\r\nin the body: 1\r\n\r\n";
    for (std::size_t part = 1; part != 200; ++part)
        BOOST_TEST(copied(heads + body, part) == heads + heads);
}

BOOST_AUTO_TEST_CASE(a_header_that_breaks_off_is_dropped)
{
    weir_fetch::head_copy copy;
    copy.begin();
    BOOST_TEST(copy.take("HTTP/1.1 200 OK\r\nA: b\r\n") == "");
    copy.begin();
    BOOST_TEST(copy.take("HTTP/1.1 200 OK\r\n\r\n") == "HTTP/1.1 200 OK\r\n\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
