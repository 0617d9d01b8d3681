#include <trace.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(trace)

using weir_fetch::without_user;

BOOST_AUTO_TEST_CASE(each_line_has_its_mark_and_secrets_are_left_out)
{
    const weir_fetch::trace one("");
    BOOST_TEST(one.sent("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic c2VjcmV0\r\n"
                        "cookie: a=b\r\nPROXY-AUTHORIZATION: x\r\nX-Cookie: y\r\n\r\n") ==
               "> GET / HTTP/1.1\n> Host: a\n> Authorization: (not shown)\n"
               "> cookie: (not shown)\n> PROXY-AUTHORIZATION: (not shown)\n> X-Cookie: y\n> \n");
    BOOST_TEST(one.received("HTTP/1.1 200 OK\nA: \x1b[2Jb\r\n\r\n") ==
               "< HTTP/1.1 200 OK\n< A: \\x1B[2Jb\n< \n");
    BOOST_TEST(one.note("to a\nb") == "* to a\\x0Ab\n");
}

BOOST_AUTO_TEST_CASE(with_many_urls_each_line_names_its_own)
{
    const weir_fetch::trace many("http://a/\x1b");
    BOOST_TEST(many.sent("GET / HTTP/1.1\r\n\r\n") ==
               "> [http://a/\\x1B] GET / HTTP/1.1\n> [http://a/\\x1B] \n");
    BOOST_TEST(many.received("HTTP/1.1 200 OK") == "< [http://a/\\x1B] HTTP/1.1 200 OK\n");
    BOOST_TEST(many.note("x") == "* [http://a/\\x1B] x\n");
}

BOOST_AUTO_TEST_CASE(no_user_and_password_of_a_url_is_shown)
{
    BOOST_TEST(without_user("http://me:secret@a.example/@b") == "http://a.example/@b");
    BOOST_TEST(without_user("me:p@ss@a.example") == "a.example");
    BOOST_TEST(without_user("http:\\\\me@a.example\\x") == "http:\\\\a.example\\x");
    BOOST_TEST(without_user("http://a.example/?x=me@b") == "http://a.example/?x=me@b");
    BOOST_TEST(without_user("http://") == "http://");
    BOOST_TEST(without_user("") == "");
}

BOOST_AUTO_TEST_CASE(lines_of_headers_are_made_safe_for_a_terminal)
{
    BOOST_TEST(weir_fetch::escaped_lines("A: \xc3\xa9\r\nB: \x1b\r\n\r\n") ==
               "A: \xc3\xa9\nB: \\x1B\n\n");
}

BOOST_AUTO_TEST_SUITE_END()
