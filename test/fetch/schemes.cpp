#include <schemes.hpp>

#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(schemes)

/// The schemes that a list allows, as curl 7.88 does.
std::string allowed(const char* list)
{
    weir_fetch::schemes all;
    all.apply(list);
    std::string out;
    for (const char* scheme : {"http", "https"})
        if (all.allow(weir::http::url::parse(std::string(scheme) + "://a/").value()))
            out += std::string(out.empty() ? "" : " ") + scheme;
    return out;
}

BOOST_AUTO_TEST_CASE(lists_mean_what_they_mean_to_curl)
{
    BOOST_TEST(allowed("") == "http https");
    BOOST_TEST(allowed("=https") == "https");
    BOOST_TEST(allowed("=HTTPS") == "https");
    BOOST_TEST(allowed("-all,https") == "https");
    BOOST_TEST(allowed("-all,+https") == "https");
    BOOST_TEST(allowed("-http") == "https");
    BOOST_TEST(allowed("+http") == "http https");
    BOOST_TEST(allowed("=http,=https") == "https");
    BOOST_TEST(allowed("=http,https") == "http https");
    BOOST_TEST(allowed("=ftp") == "");
    BOOST_TEST(allowed("=ftp,http") == "http");
    BOOST_TEST(allowed("-all") == "");
    BOOST_TEST(allowed("-all,=all") == "http https");
    BOOST_TEST(allowed("gopher,,-http") == "https");
}

BOOST_AUTO_TEST_CASE(names_that_are_none_are_returned)
{
    weir_fetch::schemes all;
    const std::vector<std::string> unknown = {"gopher", "ftp"};
    BOOST_TEST(all.apply("gopher,http,-ftp") == unknown);
    BOOST_TEST(all.allow_all());
}

BOOST_AUTO_TEST_CASE(both_must_allow)
{
    weir_fetch::schemes one;
    weir_fetch::schemes other;
    one.apply("-http");
    const auto both = one & other;
    BOOST_TEST(!both.allow_all());
    BOOST_TEST(both.allow(weir::http::url::parse("https://a/").value()));
    BOOST_TEST(!both.allow(weir::http::url::parse("http://a/").value()));
}

BOOST_AUTO_TEST_SUITE_END()
