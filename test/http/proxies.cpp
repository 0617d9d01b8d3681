#include <weir/http/proxies.hpp>

#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <stdexcept>
#include <string>

namespace http = weir::http;

BOOST_AUTO_TEST_SUITE(http_proxies)

http::url to(const std::string& text)
{
    return http::url::parse(text).value();
}

std::string name_of(const http::proxies& all, const std::string& url)
{
    const http::proxy* found = all.of(to(url));
    return found ? found->name : "";
}

std::string refusal(const std::string& proxy)
{
    try {
        http::proxies().http(proxy);
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return {};
}

BOOST_AUTO_TEST_CASE(the_url_of_a_proxy_is_read_as_curl_does)
{
    struct row {
        const char* text;
        const char* name;
        const char* authorization;
    };
    const row rows[] = {
        {"proxy.example", "proxy.example:1080", ""},
        {"http://proxy.example", "proxy.example:1080", ""},
        {"http://proxy.example:80/", "proxy.example:80", ""},
        {"proxy.example:3128", "proxy.example:3128", ""},
        {"HTTP://Proxy.example:3128/path?x", "proxy.example:3128", ""},
        {"[2001:db8::1]:3128", "[2001:db8::1]:3128", ""},
        {"http://[2001:db8::1]", "[2001:db8::1]:1080", ""},
        {"http://user:p%40ss@proxy.example:1", "proxy.example:1", "Basic dXNlcjpwQHNz"},
        {"user:80@proxy.example", "proxy.example:1080", "Basic dXNlcjo4MA=="},
        {"https://proxy.example", "proxy.example:443", ""},
        {"https://u@[2001:db8::1]:80", "[2001:db8::1]:80", "Basic dTo="},
        {" 192.0.2.1:8080 ", "192.0.2.1:8080", ""},
    };
    for (const row& r : rows)
        BOOST_TEST_CONTEXT(r.text)
        {
            const http::proxies all = http::proxies().http(r.text);
            const http::proxy* found = all.of(to("http://a/"));
            BOOST_REQUIRE(found);
            BOOST_TEST(found->name == r.name);
            BOOST_TEST(found->authorization == r.authorization);
            BOOST_TEST(!all.of(to("https://a/")));
            BOOST_TEST(found->secured.has_value() == std::string(r.text).starts_with("https"));
            if (found->secured)
                BOOST_TEST(found->secured->origin() == "https://" + found->name);
        }
}

BOOST_AUTO_TEST_CASE(what_is_no_http_proxy_is_refused_without_its_password)
{
    for (const char* text :
         {"socks5://u:secret@proxy:1", "https://u:secret@proxy:0x", "ftp://u:secret@proxy",
          "http://u:secret@pro xy:1", "http://u:secret@proxy:99999"})
        BOOST_TEST_CONTEXT(text)
        {
            BOOST_TEST(!refusal(text).empty());
            BOOST_TEST(refusal(text).find("secret") == std::string::npos);
        }
}

BOOST_AUTO_TEST_CASE(the_environment_is_read_as_curl_does)
{
    using variables = std::map<std::string, std::string>;
    struct row {
        variables set;
        const char* http;
        const char* https;
    };
    const row rows[] = {
        {{}, "", ""},
        {{{"http_proxy", "a:1"}}, "a:1", ""},
        {{{"HTTP_PROXY", "a:1"}}, "", ""}, // a header of a CGI request
        {{{"https_proxy", "b:1"}}, "", "b:1"},
        {{{"HTTPS_PROXY", "b:1"}}, "", "b:1"},
        {{{"https_proxy", "b:1"}, {"HTTPS_PROXY", "c:1"}}, "", "b:1"},
        {{{"all_proxy", "d:1"}}, "d:1", "d:1"},
        {{{"ALL_PROXY", "d:1"}}, "d:1", "d:1"},
        {{{"all_proxy", "d:1"}, {"http_proxy", "a:1"}}, "a:1", "d:1"},
        {{{"all_proxy", "d:1"}, {"http_proxy", ""}}, "", "d:1"},
        {{{"all_proxy", "socks5://d:1"}, {"http_proxy", "a:1"}, {"https_proxy", "b:1"}},
         "a:1",
         "b:1"},
        {{{"all_proxy", "d:1"}, {"no_proxy", "x.example"}}, "", ""},
        {{{"all_proxy", "d:1"}, {"NO_PROXY", "x.example"}}, "", ""},
        {{{"all_proxy", "d:1"}, {"no_proxy", ""}, {"NO_PROXY", "x.example"}}, "d:1", "d:1"},
    };
    int number = 0;
    for (const row& r : rows)
        BOOST_TEST_CONTEXT(number++)
        {
            const auto read = [&r](const char* name) -> const char* {
                const auto found = r.set.find(name);
                return found == r.set.end() ? nullptr : found->second.c_str();
            };
            const auto all = http::proxies::from_environment(read);
            BOOST_TEST(name_of(all, "http://x.example/") == r.http);
            BOOST_TEST(name_of(all, "https://x.example/") == r.https);
        }
    const auto socks = [](const char* name) -> const char* {
        return name == std::string("all_proxy") ? "socks5://d:1" : nullptr;
    };
    BOOST_CHECK_THROW(http::proxies::from_environment(socks), std::invalid_argument);
}

// Most rows are what curl 7.88 does; those that differ are marked.
BOOST_AUTO_TEST_CASE(hosts_are_excepted_as_curl_does)
{
    struct row {
        const char* list;
        const char* url;
        bool excepted;
    };
    const row rows[] = {
        {"", "http://example.com/", false},
        {"example.com", "http://example.com/", true},
        {"example.com", "http://www.example.com/", true},
        {".example.com", "http://example.com/", true},
        {".example.com", "http://www.example.com/", true},
        {"www.example.com", "http://example.com/", false},
        {"ample.com", "http://example.com/", false},
        {"EXAMPLE.com.", "http://example.com/", true},
        {"example.com", "http://EXAMPLE.com./", true},
        {"foo, example.com", "http://example.com/", true},
        {"foo example.com", "http://example.com/", true},
        {"example.com,", "http://example.org/", false},
        {",,.,", "http://example.org/", false},
        {"*", "http://example.com/", true},
        {"*.example.com", "http://www.example.com/", false},
        {"*,foo", "http://example.com/", true},                // curl: not in a list
        {"example.com:80", "http://example.com/", true},       // curl has no ports
        {"example.com:81", "http://example.com/", false},      //
        {"example.com:443", "https://www.example.com/", true}, // curl has no ports
        {"127.0.0.0/8", "http://127.0.0.2/", true},
        {"127.0.0.3/31", "http://127.0.0.2/", true},
        {"127.0.0.4/31", "http://127.0.0.2/", false},
        {"127.0.0.2/32", "http://127.0.0.2/", true},
        {"127.0.0.2/33", "http://127.0.0.2/", false},
        {"127.0.0.2/x", "http://127.0.0.2/", false},
        {"127.0.0.2/", "http://127.0.0.2/", false},
        {"0.0.0.0/0", "http://127.0.0.2/", true},
        {"127.0.0.2", "http://127.0.0.2/", true},
        {"127.0.0.2", "http://0x7f.2/", true},
        {"0.0.2", "http://127.0.0.2/", false},
        {"127.0.0.0/8", "http://127.0.0.2.example.com/", false},
        {"::1", "http://[::1]/", true},
        {"[::1]", "http://[::1]/", true},           // curl: without brackets only
        {"[::1]:80", "http://[::1]/", true},        // curl has no ports
        {"[::1]:81", "http://[::1]/", false},       //
        {"0:0:0:0:0:0:0:1", "http://[::1]/", true}, // curl compares the text
        {"2001:db8::/33", "http://[2001:db8:7fff::1]/", true},
        {"2001:db8::/33", "http://[2001:db8:8000::1]/", false},
        {"[2001:db8::]/32", "http://[2001:db8::1]/", true},
        {"0.0.0.0/0", "http://[::1]/", false},
    };
    for (const row& r : rows)
        BOOST_TEST_CONTEXT(r.list << " and " << r.url)
        {
            http::proxies all = http::proxies().all("proxy.example:1").except(r.list);
            BOOST_TEST((all.of(to(r.url)) == nullptr) == r.excepted);
        }
}

BOOST_AUTO_TEST_SUITE_END()
