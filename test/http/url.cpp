#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using weir::http::dot_segments;
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
         "/a|b%5Ec%60d%7Be%7Df%22g%3Ch%3Ei/j"},
        {"http://h/[x]?a[]=1|'{`", "http://h:80", "h", "/[x]?a[]=1|%27{`"},
        {"http://h/\xC3\xA9?\xC3\xBC", "http://h:80", "h", "/%C3%A9?%C3%BC"},
        {"http://h/\xE9", "http://h:80", "h", "/%E9"},
        {"http://h/100%", "http://h:80", "h", "/100%"},
        {"http://h/%zz%2", "http://h:80", "h", "/%zz%2"},
        {"http://h/a%2fb%2Fc", "http://h:80", "h", "/a%2fb%2Fc"},
        {"http://h/%7euser%41", "http://h:80", "h", "/%7euser%41"},
        {"http://h/a/%2e/b/.%2E/c/%2e%2e%2e", "http://h:80", "h", "/a/c/%2e%2e%2e"},
        {"http://h/a\tb\r\nGET /evil", "http://h:80", "h", "/abGET%20/evil"},
        {"http://h/\x01\x7f", "http://h:80", "h", "/%01%7F"},
        {"\x01 http://h/ \x1f", "http://h:80", "h", "/"},
        {"\\\\h\\x", "http://h:80", "h", "/x"},
        {"http:h", "http://h:80", "h", "/"},
        {"https:/h/x", "https://h:443", "h", "/x"},
        {"http:///x", "http://x:80", "x", "/"},
        {"http://h:0/", "http://h:0", "h:0", "/"},
        {"http://h:00080/", "http://h:80", "h", "/"},
        {"http://h/a/./b/../c", "http://h:80", "h", "/a/c"},
        {"http://h/../../c", "http://h:80", "h", "/c"},
        {"http://h/?b=2&a=1", "http://h:80", "h", "/?b=2&a=1"},
        {"http://h/x#part", "http://h:80", "h", "/x"},
        {"http://h/x#a#b", "http://h:80", "h", "/x"},
        {"http://h//a//b", "http://h:80", "h", "//a//b"},
        {"http://[::1]:8080/x", "http://[::1]:8080", "[::1]:8080", "/x"},
        {"http://[2001:DB8::1]/", "http://[2001:db8::1]:80", "[2001:db8::1]", "/"},
        {"http://[0:0:1:0:0:0:0:1]", "http://[0:0:1::1]:80", "[0:0:1::1]", "/"},
        {"http://[1:0:0:2:0:0:3:4]", "http://[1::2:0:0:3:4]:80", "[1::2:0:0:3:4]", "/"},
        {"http://[::ffff:1.2.3.4]", "http://[::ffff:102:304]:80", "[::ffff:102:304]", "/"},
        {"http://[1:0:2:3:4:5:6:7]", "http://[1:0:2:3:4:5:6:7]:80", "[1:0:2:3:4:5:6:7]", "/"},
        {"http://127.0.0.1/x", "http://127.0.0.1:80", "127.0.0.1", "/x"},
        {"http://0x7f.1/x", "http://127.0.0.1:80", "127.0.0.1", "/x"},
        {"http://0177.0.0.01./x", "http://127.0.0.1:80", "127.0.0.1", "/x"},
        {"http://4294967295/", "http://255.255.255.255:80", "255.255.255.255", "/"},
        {"http://127.0.0.1.example/", "http://127.0.0.1.example:80", "127.0.0.1.example", "/"},
        {"http://b\xC3\xBC\x63her.example/", "http://xn--bcher-kva.example:80",
         "xn--bcher-kva.example", "/"},
        {"http://fa%C3%9F.example/", "http://xn--fa-hia.example:80", "xn--fa-hia.example", "/"},
        {"http://\xF0\x9F\x92\xA9.example/", "http://xn--ls8h.example:80", "xn--ls8h.example", "/"},
        {"http://a%41b/", "http://aab:80", "aab", "/"},
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
        {"http://u@/x", "host"},
        {"http://h:80:80/", "port"},
        {"http://[::1]x/", "brackets"},
        {"/x", "host"},
        {"///x", "host"},
        {"mailto:me@h", "scheme mailto"},
        {"http://h:65536/", "port"},
        {"http://h:99999999999/", "port"},
        {"http://h:8o/", "port"},
        {"http://a b/", "space"},
        {"http://a\x01/", "control"},
        {"http://h%00/", "control"},
        {"http://h%00\xC3\xBC/", "control"},
        {"http://h%2/", "`%`"},
        {"http://\xEF\xBC\x85\xEF\xBC\x94/", "`%`"}, // wide forms of %4
        {"http://\xC2\xAD/", "characters"},          // a soft hyphen
        {"http://\xFF/", "xn--"},
        {"http://\xC3\x9F\xF0\x9F\x92\xA9/", "xn--"}, // U+00DF beside an emoji
        {"http://\xD9\x8A\x61/", "xn--"},             // right to left beside left to right
        {"http://a|/", "`|`"},
        {"http://[::1/", "brackets"},
        {"http://[zz]/", "brackets"},
        {"http://[]/", "brackets"},
        {"http://[fe80::1%25eth0]/", "zone"},
        {"http://[1:2:3:4:5:6:7:8:9]/", "brackets"},
        {"http://1.2.3.256/", "IPv4"},
        {"http://1.2.3.4.5/", "IPv4"},
        {"http://1.2.3.4.0/", "IPv4"},
        {"http://1..3/", "IPv4"},
        {"http://4294967296/", "IPv4"},
        {"http://99999999999999999999999/", "IPv4"},
        {"http://1.08/", "IPv4"},
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
}

BOOST_AUTO_TEST_CASE(a_text_over_64_kib_is_refused)
{
    const std::string start = "http://h/";
    const std::string longest = start + std::string(url::max_length - start.size(), 'x');
    BOOST_TEST(url::parse(longest).has_value());
    BOOST_TEST(url::parse("  " + longest + "  ").has_value());
    BOOST_TEST(url::parse(longest + "x").has_error());
    const auto base = url::parse("http://h/").value();
    BOOST_TEST(base.resolve(longest).has_value());
    BOOST_TEST(base.resolve(longest + "x").has_error());
}

BOOST_AUTO_TEST_CASE(dot_segments_are_kept_on_request)
{
    const auto u = url::parse("http://h/a/./b/../%2e%2e/c\\..", dot_segments::keep).value();
    BOOST_TEST(u.target() == "/a/./b/../%2e%2e/c/..");
    BOOST_TEST(u.resolve("#x")->target() == u.target());
    BOOST_TEST(u.resolve("/a/../d")->target() == "/d");
}

BOOST_AUTO_TEST_CASE(a_name_and_password_become_an_authorization_and_leave_the_url)
{
    const auto u = url::parse("http://Aladdin:open%20sesame@h/x");
    BOOST_TEST_REQUIRE(u.has_value());
    BOOST_TEST(u->authorization() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    BOOST_TEST(u->str() == "http://h/x");
    BOOST_TEST(u->href() == "http://Aladdin:open%20sesame@h/x");
    BOOST_TEST(u->text() == "http://Aladdin:open%20sesame@h/x");
    BOOST_TEST(url::parse("http://h/")->authorization().empty());
    BOOST_TEST(url::parse("http://:@h/")->authorization().empty());
    BOOST_TEST(url::parse("http://u@h/")->authorization() == "Basic dTo=");
    BOOST_TEST(url::parse("http://u%40:a%:b@h/")->authorization() == "Basic dUA6YSU6Yg==");
    BOOST_TEST(url::parse("http://me\\@evil/")->host() == "me");
    BOOST_TEST(url::parse("http://a%0d%0ab@h/")->authorization() == "Basic YQ0KYjo=");
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
        {"/g|h", "http://a/g|h"},
        {" \t/g\r\nh\n ", "http://a/gh"},
        {"\\\\g\\h", "http://g/h"},
        {"..\\g", "http://a/b/g"},
        {"http:g", "http://a/b/c/g"},
        {"https:g", "https://g/"},
        {"%2e%2e/g%41", "http://a/b/g%41"},
        {"///g", "http://g/"},
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
    BOOST_TEST(base->resolve("http://").has_error());
    BOOST_TEST(base->resolve("//h:x/").has_error());
}

BOOST_AUTO_TEST_CASE(a_fragment_is_inherited_unless_the_reference_has_one)
{
    const auto base = url::parse("http://a/b#f");
    BOOST_TEST(base->resolve("/c")->href() == "http://a/c#f");
    BOOST_TEST(base->resolve("/c#g")->href() == "http://a/c#g");
    BOOST_TEST(base->resolve("/c#")->href() == "http://a/c#");
}

BOOST_AUTO_TEST_CASE(secrets_of_the_url_stay_with_their_origin)
{
    const auto base = url::parse("http://me:secret@a/b");
    BOOST_TEST(base->resolve("/c")->authorization() == base->authorization());
    BOOST_TEST(base->resolve("http://a/c")->authorization() == base->authorization());
    BOOST_TEST(base->resolve("http://a/c")->href() == "http://me:secret@a/c");
    BOOST_TEST(base->resolve("http://you@a/c")->href() == "http://you@a/c");
    BOOST_TEST(base->resolve("http://b/c")->authorization().empty());
    BOOST_TEST(base->resolve("http://a:8080/c")->authorization().empty());
    BOOST_TEST(base->resolve("https://a/c")->authorization().empty());
}

BOOST_AUTO_TEST_SUITE_END()
