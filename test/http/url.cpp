#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using weir::http::error_class;
using weir::http::url;

BOOST_AUTO_TEST_SUITE(http_url)

BOOST_AUTO_TEST_CASE(what_real_lists_hold_becomes_a_request_line)
{
    struct row {
        const char* text;
        const char* origin;
        const char* host_header;
        const char* target;
    };
    const row rows[] = {
        {"http://example.com", "http://example.com:80", "example.com", "/"},
        {"example.com", "http://example.com:80", "example.com", "/"},
        {"example.com:8080/x", "http://example.com:8080", "example.com:8080", "/x"},
        {"//example.com/x", "http://example.com:80", "example.com", "/x"},
        {"  http://example.com/ \r", "http://example.com:80", "example.com", "/"},
        {"HTTPS://EXAMPLE.com:443/A", "https://example.com:443", "example.com", "/A"},
        {"http://example.com:80/", "http://example.com:80", "example.com", "/"},
        {"http://example.com:/", "http://example.com:80", "example.com", "/"},
        {"https://example.com:80/", "https://example.com:80", "example.com:80", "/"},
        {"http://example.com?q=1", "http://example.com:80", "example.com", "/?q=1"},
        {"http://example.com/a b", "http://example.com:80", "example.com", "/a%20b"},
        {"http://h/a|b^c`d{e}f\"g<h>i\\j", "http://h:80", "h",
         "/a%7Cb%5Ec%60d%7Be%7Df%22g%3Ch%3Ei%5Cj"},
        {"http://h/[x]?a[]=1", "http://h:80", "h", "/%5Bx%5D?a%5B%5D=1"},
        {"http://h/\xC3\xA9?\xC3\xBC", "http://h:80", "h", "/%C3%A9?%C3%BC"},
        {"http://h/100%", "http://h:80", "h", "/100%25"},
        {"http://h/%zz%2", "http://h:80", "h", "/%25zz%252"},
        {"http://h/a%2fb%2Fc", "http://h:80", "h", "/a%2Fb%2Fc"},
        {"http://h/%7euser", "http://h:80", "h", "/~user"},
        {"http://h/a/./b/../c", "http://h:80", "h", "/a/c"},
        {"http://h/../../c", "http://h:80", "h", "/c"},
        {"http://h/?b=2&a=1", "http://h:80", "h", "/?b=2&a=1"},
        {"http://h/x#part", "http://h:80", "h", "/x"},
        {"http://h/x#a#b", "http://h:80", "h", "/x"},
        {"http://h//a//b", "http://h:80", "h", "//a//b"},
        {"http://[::1]:8080/x", "http://[::1]:8080", "[::1]:8080", "/x"},
        {"http://[2001:DB8::1]/", "http://[2001:db8::1]:80", "[2001:db8::1]", "/"},
        {"http://127.0.0.1/x", "http://127.0.0.1:80", "127.0.0.1", "/x"},
        {"http://user:pass@h/x", "http://h:80", "h", "/x"},
        {"http://a_b.example-x.com/", "http://a_b.example-x.com:80", "a_b.example-x.com", "/"},
        {"http://h/?u=http://x/y?z", "http://h:80", "h", "/?u=http://x/y?z"},
        {"h/?u=http://x/y", "http://h:80", "h", "/?u=http://x/y"},
    };
    for (const auto& r : rows)
        BOOST_TEST_CONTEXT("text: " << r.text)
        {
            const auto u = url::parse(r.text);
            BOOST_TEST(u.has_value());
            if (!u)
                continue;
            BOOST_TEST(u->origin() == r.origin);
            BOOST_TEST(u->host_header() == r.host_header);
            BOOST_TEST(u->target() == r.target);
        }
}

BOOST_AUTO_TEST_CASE(a_bad_url_is_refused_with_a_text_that_says_why)
{
    struct row {
        const char* text;
        const char* says;
    };
    const row rows[] = {
        {"", "empty"},
        {"   ", "empty"},
        {"ftp://h/x", "scheme ftp"},
        {"http://", "host"},
        {"http:///x", "host"},
        {"http://1.2.3.4x:80:80/", "port"},
        {"http://[::1]x/", "brackets"},
        {"/x", "host"},
        {"http:h", "host"},
        {"https:/h/x", "https://host/"},
        {"http://h:0/", "port"},
        {"http://h:65536/", "port"},
        {"http://h:99999999999/", "port"},
        {"http://h:8o/", "port"},
        {"http://h\\@evil/", "backslash"},
        {"http://a b/", "space"},
        {"http://h/a\tb", "control"},
        {"http://h/a\nGET /evil", "control"},
        {"http://h/\x7f", "control"},
        {"http://b\xC3\xBC\x63her.example/", "xn--"},
        {"http://[::1/", "brackets"},
        {"http://[zz]/", ""},
        {"http://a%41b|/", ""},
        {"http://h%00/", ""},
    };
    for (const auto& r : rows)
        BOOST_TEST_CONTEXT("text: " << r.text)
        {
            const auto u = url::parse(r.text);
            BOOST_TEST(u.has_error());
            if (!u.has_error())
                continue;
            BOOST_TEST((u.error().kind() == error_class::bad_url));
            BOOST_TEST(u.error().text().find(r.says) != std::string::npos,
                       u.error().text() << " lacks " << r.says);
        }
    BOOST_TEST(url::parse("http://h/" + std::string(70'000, 'x')).has_error());
}

BOOST_AUTO_TEST_CASE(a_name_and_password_become_an_authorization_and_leave_the_url)
{
    const auto u = url::parse("http://Aladdin:open%20sesame@h/x");
    BOOST_TEST_REQUIRE(u.has_value());
    BOOST_TEST(u->authorization() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    BOOST_TEST(u->str() == "http://h/x");
    BOOST_TEST(u->text() == "http://Aladdin:open%20sesame@h/x");
    BOOST_TEST(url::parse("http://h/")->authorization().empty());
    BOOST_TEST(url::parse("http://a%0d%0ab@h/")->authorization().find('\r') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_address_as_host_is_distinguished_from_a_name)
{
    BOOST_TEST(url::parse("http://127.0.0.1/")->host_is_address());
    BOOST_TEST(url::parse("http://[::1]/")->host_is_address());
    BOOST_TEST(url::parse("http://[::1]/")->host() == "::1");
    BOOST_TEST(!url::parse("http://127.0.0.1.example/")->host_is_address());
}

BOOST_AUTO_TEST_CASE(a_reference_is_resolved_against_the_current_url)
{
    struct row {
        const char* reference;
        const char* expected;
    };
    // The normal and abnormal examples of RFC 3986 section 5.4, for an http base.
    const row rows[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"https://b.example/x y", "https://b.example/x%20y"},
        {"/g|h", "http://a/g%7Ch"},
    };
    const auto base = url::parse("http://a/b/c/d;p?q");
    BOOST_TEST_REQUIRE(base.has_value());
    for (const auto& r : rows)
        BOOST_TEST_CONTEXT("reference: " << r.reference)
        {
            const auto next = base->resolve(r.reference);
            BOOST_TEST(next.has_value());
            if (next)
                BOOST_TEST(next->str() == r.expected);
        }
    BOOST_TEST(base->resolve("ftp://h/").has_error());
    BOOST_TEST(base->resolve("http://h\\x/").has_error());
    BOOST_TEST(base->resolve("/a\rb").has_error());
}

BOOST_AUTO_TEST_CASE(secrets_of_the_url_stay_with_their_origin)
{
    const auto base = url::parse("http://me:secret@a/b");
    BOOST_TEST(base->resolve("/c")->authorization() == base->authorization());
    BOOST_TEST(base->resolve("http://b/c")->authorization().empty());
    BOOST_TEST(base->resolve("http://a:8080/c")->authorization().empty());
    BOOST_TEST(base->resolve("https://a/c")->authorization().empty());
}

BOOST_AUTO_TEST_SUITE_END()
