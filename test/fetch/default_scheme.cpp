#include <default_scheme.hpp>

#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

BOOST_AUTO_TEST_SUITE(default_schemes)

using weir_fetch::with_scheme;

BOOST_AUTO_TEST_CASE(a_url_without_a_scheme_gets_it)
{
    const std::pair<const char*, const char*> rows[] = {
        {"example.com", "https://example.com/"},
        {"example.com/a?b=http://c/", "https://example.com/a?b=http://c/"},
        {"example.com:8080/a", "https://example.com:8080/a"},
        {"example.com:443/a", "https://example.com/a"},
        {"//example.com/a", "https://example.com/a"},
        {"\\\\example.com/a", "https://example.com/a"},
        {"user:http@example.com/a", "https://example.com/a"},
        {"localhost", "https://localhost/"},
        {"[::1]/a", "https://[::1]/a"},
        {" \texample.com/a", "https://example.com/a"},
        {"https.example.com", "https://https.example.com/"},
        {"http", "https://http/"},
    };
    for (const auto& [text, full] : rows) {
        const auto target = weir::http::url::parse(with_scheme(text, "https"));
        BOOST_REQUIRE(target);
        BOOST_TEST(target->str() == full, text << ": " << target->str());
    }
    BOOST_TEST(with_scheme("example.com/a", "http") == "http://example.com/a");
}

BOOST_AUTO_TEST_CASE(a_url_that_has_one_keeps_it)
{
    for (const std::string text : {"http://example.com/", "HTTP://example.com/", "http:example.com",
                                   "https://example.com/", " http://example.com/", "h\ttp://a.b/"})
        BOOST_TEST(with_scheme(text, "https") == text, text);
}

BOOST_AUTO_TEST_CASE(what_is_no_url_is_not_made_one)
{
    for (const std::string text : {"", " ", "ftp://example.com/", "mailto:a@b.c", "///a", "/a",
                                   "a b.c/", "example.com:99999"})
        BOOST_TEST(with_scheme(text, "https") == text, text);
}

BOOST_AUTO_TEST_SUITE_END()
