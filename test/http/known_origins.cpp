#include <weir/http/detail/known_origins.hpp>

#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

using weir::http::detail::known_origins;

namespace {

std::string origin_of(std::string_view text)
{
    const auto target = weir::http::url::parse(text);
    return target ? target->origin() : std::string();
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_known_origins)

BOOST_AUTO_TEST_CASE(they_are_those_of_the_whole_url)
{
    known_origins all;
    for (const int round : {1, 2})
        for (const std::string front : {"http://a",     "https://a",
                                        "http://A",     "HTTP://a",
                                        "http://a:80",  "https://a:80",
                                        "http://u:p@a", "http://a.",
                                        "http://127.1", "http://[::1]:8080",
                                        "http://[::1",  "http://a:b",
                                        "http://a b",   "http:///a",
                                        "http://",      "http:/a",
                                        "http:a",       "a",
                                        "//a",          " http://a",
                                        "ht\ntp://a",   "http://a\n",
                                        "http://a%2f",  "http://%61",
                                        "http:\\\\a",   "http://\xc3\xa4.example",
                                        "ftp://a",      "http://a:65536",
                                        "http://@a",    "http://x@"})
            for (const char* rest :
                 {"", "/", "/b", "?c", "#d", "\\e", "/b@c:1", ":1", ".b/", " "}) {
                const std::string url = front + rest;
                BOOST_TEST_CONTEXT(url << ", round " << round)
                BOOST_TEST(all.of(url) == origin_of(url));
            }
    const std::string longest = "http://a/" + std::string(weir::http::url::max_length, 'x');
    BOOST_TEST(all.of("http://a/") == "http://a:80");
    BOOST_TEST(all.of(longest).empty());
}

BOOST_AUTO_TEST_CASE(no_more_than_a_thousand_are_kept)
{
    known_origins all;
    for (std::size_t i = 0; i != 2 * known_origins::most + 1; ++i) {
        const std::string host = "http://h" + std::to_string(i);
        BOOST_TEST(all.of(host + "/x") == host + ":80");
        BOOST_TEST(all.size() <= known_origins::most);
    }
}

BOOST_AUTO_TEST_SUITE_END()
