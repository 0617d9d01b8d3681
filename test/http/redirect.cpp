#include <weir/http/redirect.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using weir::http::headers;
using weir::http::request;
using weir::http::url;

BOOST_AUTO_TEST_SUITE(http_redirect)

request asked(const char* text, std::string method = "GET")
{
    return request(url::parse(text).value(), method);
}

std::string leads_to(const char* from, const char* location)
{
    headers answer;
    answer.append("Location", location);
    const auto next = redirected(asked(from), 302, answer);
    BOOST_REQUIRE(next.has_value());
    if (!*next)
        return std::string(name(next->error().kind()));
    return (*next)->target().origin() + std::string((*next)->target().target());
}

BOOST_AUTO_TEST_CASE(the_new_url_is_relative_to_the_current_one)
{
    BOOST_TEST(leads_to("http://h/a/b", "c") == "http://h:80/a/c");
    BOOST_TEST(leads_to("http://h/a/b", "/c") == "http://h:80/c");
    BOOST_TEST(leads_to("http://h/a/b", "?q") == "http://h:80/a/b?q");
    BOOST_TEST(leads_to("https://h/a/b", "//g/x") == "https://g:443/x");
    BOOST_TEST(leads_to("http://h/a/b", "../../../x") == "http://h:80/x");
    BOOST_TEST(leads_to("http://h/", "https://g:8443/x") == "https://g:8443/x");
}

BOOST_AUTO_TEST_CASE(a_location_is_read_as_browsers_read_it)
{
    BOOST_TEST(leads_to("http://h/a/b", "\\\\g\\x") == "http://g:80/x");
    BOOST_TEST(leads_to("http://h/a/b", "c d\t%zz") == "http://h:80/a/c%20d%zz");
    BOOST_TEST(leads_to("http://h/a/b", "http:c") == "http://h:80/a/c");
    BOOST_TEST(leads_to("http://h/", "//0x7f.1/|") == "http://127.0.0.1:80/|");
    BOOST_TEST(leads_to("http://h/", "//b\xC3\xBC\x63her.example") ==
               "http://xn--bcher-kva.example:80/");
}

BOOST_AUTO_TEST_CASE(where_we_cannot_go_is_an_error)
{
    BOOST_TEST(leads_to("http://h/", "ftp://g/") == "redirect");
    headers two;
    two.append("Location", "/a");
    two.append("Location", "/b");
    const auto next = redirected(asked("http://h/"), 302, two);
    BOOST_REQUIRE(next.has_value());
    BOOST_TEST(!next->has_value());
}

BOOST_AUTO_TEST_CASE(only_a_redirect_with_a_location_is_one)
{
    headers answer;
    BOOST_TEST(!redirected(asked("http://h/"), 302, answer).has_value());
    answer.append("Location", "/x");
    for (const unsigned status : {200U, 201U, 300U, 304U, 305U, 404U})
        BOOST_TEST(!redirected(asked("http://h/"), status, answer).has_value());
    for (const unsigned status : {301U, 302U, 303U, 307U, 308U})
        BOOST_TEST(redirected(asked("http://h/"), status, answer).has_value());
    headers empty;
    empty.append("Location", "");
    BOOST_TEST(!redirected(asked("http://h/"), 302, empty).has_value());
}

BOOST_AUTO_TEST_CASE(an_error_shows_the_beginning_of_a_long_location)
{
    headers answer;
    answer.append("Location", "/" + std::string(100'000, 'a'));
    const auto next = redirected(asked("http://h/"), 302, answer);
    BOOST_REQUIRE((next.has_value() && !*next));
    BOOST_TEST(next->error().text().find("to /aaaa") != std::string::npos);
    BOOST_TEST(next->error().text().size() < 400u);
}

BOOST_AUTO_TEST_CASE(an_error_shows_no_password)
{
    for (const char* to :
         {"ftp://user:secret@g/x", "ftp:\\\\user:secret@g/x", "ftp://user@secret@g",
          "//user:secret@[x/y@g", "https:user:secret@g:99999/", "https:\t//user:secret@g:99999/",
          "https:/\t/user:secret@g:99999/", "//user:se\\secret@g:99999", "//user:se/secret@g:x",
          "//user:se?secret@g:x", "//user:se#secret@g:x", "user:secret@g/", "user:se?secret@g/"}) {
        headers answer;
        answer.append("Location", to);
        const auto next = redirected(asked("http://h/"), 302, answer);
        BOOST_REQUIRE((next.has_value() && !*next));
        BOOST_TEST(next->error().text().find("secret") == std::string::npos, next->error().text());
        BOOST_TEST(next->error().text().find("user") == std::string::npos, next->error().text());
        BOOST_TEST(next->error().text().find("g") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(the_method_changes_as_the_status_says)
{
    headers answer;
    answer.append("Location", "/x");
    const auto method_after = [&](unsigned status, const std::string& before) {
        return redirected(asked("http://h/", before), status, answer)->value().method();
    };
    BOOST_TEST((method_after(303, "HEAD") == "HEAD"));
    BOOST_TEST((method_after(302, "GET") == "GET"));
    BOOST_TEST((method_after(307, "HEAD") == "HEAD"));
}

BOOST_AUTO_TEST_SUITE_END()
