#include <weir/http/client_options.hpp>
#include <weir/http/decoding_options.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/host_limits.hpp>
#include <weir/http/spill_options.hpp>
#include <weir/sync/limit.hpp>
#include <weir/time/clock.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

using weir::http::client_options;
using weir::http::decoding_options;
using weir::http::fetcher_options;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(http_options)

// Empty when the setter accepts the value.
std::string refusal(const std::function<void()>& set)
{
    try {
        set();
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return {};
}

BOOST_AUTO_TEST_CASE(a_value_out_of_range_is_refused_by_the_name_of_its_option)
{
    client_options client;
    fetcher_options fetcher;
    struct row {
        const char* name;
        std::function<void()> set;
    };
    weir::http::spill_options spill;
    const row rows[] = {
        {"client_options::per_host", [&] { client.per_host(weir::paused); }},
        {"client_options::per_client", [&] { client.per_client(weir::paused); }},
        {"client_options::idle_timeout", [&] { client.idle_timeout(-1ms); }},
        {"client_options::connect_timeout", [&] { client.connect_timeout(0s); }},
        {"client_options::attempt_delay", [&] { client.attempt_delay(0s); }},
        {"client_options::names",
         [] {
             client_options().name_servers({"192.0.2.1:53"}).names(weir::http::name_lookup::system);
         }},
        {"client_options::name_servers",
         [] {
             client_options().names(weir::http::name_lookup::system).name_servers({"192.0.2.1:53"});
         }},
        {"client_options::name_servers: 'dns.test:53' is not an address with a port",
         [&] {
             client.name_servers({"192.0.2.1:53", "dns.test:53"});
         }},
        {"client_options::max_header", [&] { client.max_header(0); }},
        {"client_options::user_agent", [&] { client.user_agent("a\r\nX: y"); }},
        {"fetcher_options::jobs", [&] { fetcher.jobs(weir::paused); }},
        {"fetcher_options::jobs", [&] { fetcher.jobs(weir::unlimited); }},
        {"fetcher_options::window", [&] { fetcher.window(fetcher_options::min_window - 1); }},
        {"spill_options::limit", [&] { spill.limit(weir::http::spill_options::max_limit + 1); }},
        {"spill_options::lane", [&] { spill.lane(nullptr); }},
        {"fetcher_options::timeout", [&] { fetcher.timeout(0s); }},
        {"fetcher_options::grace", [&] { fetcher.grace(-1ms); }},
        {"header", [&] { fetcher.header("a b", "x"); }},
        {"Upgrade", [&] { fetcher.header("Upgrade", "x"); }},
        {"CONNECT", [&] { fetcher.method("CONNECT"); }},
        {"not a request method", [&] { fetcher.method("GET /"); }},
        {"fetcher_options::limit_host: 'a/b' is no host", [&] { fetcher.limit_host("a/b", {}); }},
        {"host_limits::per_host", [] { weir::http::host_limits().per_host(weir::paused); }},
        {"host_limits::rate", [] { weir::http::host_limits().rate(weir::rate::per_second(1), 0); }},
        {"without this header: Host", [&] { fetcher.without("Host"); }},
        {"weir::limit", [&] { client.per_host(0); }},
    };
    for (const row& r : rows) {
        const std::string text = refusal(r.set);
        BOOST_TEST(text.find(r.name) != std::string::npos, r.name << ": '" << text << "'");
    }
    BOOST_TEST((client.per_host() == weir::limit(8)));
    BOOST_TEST(client.per_client().is_unlimited());
    BOOST_TEST((fetcher.jobs() == weir::limit(50)));
    BOOST_TEST(fetcher.headers().empty());
    BOOST_TEST(fetcher.method() == "GET");
    BOOST_TEST(fetcher.body().is_none());
    BOOST_TEST(fetcher.without().empty());
    BOOST_TEST((fetcher.dots() == weir::http::dot_segments::remove));
}

BOOST_AUTO_TEST_CASE(a_value_at_the_end_of_its_range_is_accepted)
{
    client_options client;
    client.per_host(1).per_host(weir::unlimited).max_idle(0).idle_timeout(0s).connect_timeout(1ns);
    client.attempt_delay(weir::duration::max()).max_header(1).max_body(0).max_redirects(0);
    BOOST_TEST(client.per_host().is_unlimited());
    BOOST_TEST(client.max_idle() == 0u);
    client.names(weir::http::name_lookup::system).name_servers({});
    client.names(weir::http::name_lookup::dns).name_servers({"192.0.2.1", "[2001:db8::1]:53"});
    BOOST_TEST(client.name_servers().size() == 2u);
    BOOST_TEST(client.max_header() == 1u);
    BOOST_TEST(client.max_body() == 0u);
    BOOST_TEST(client.max_redirects() == 0u);
    fetcher_options fetcher;
    fetcher.client(client).jobs(1).window(4096).timeout(1ns).grace(0s).header("X-One", "1");
    fetcher.dots(weir::http::dot_segments::keep);
    BOOST_TEST((fetcher.dots() == weir::http::dot_segments::keep));
    BOOST_TEST(fetcher.client().max_idle() == 0u);
    BOOST_TEST(fetcher.window() == 4096u);
    BOOST_TEST(fetcher.headers().size() == 1u);
    BOOST_TEST(*fetcher.body("").body().in_memory() == "");
    BOOST_TEST(fetcher.without("accept").without().size() == 1u);
}

BOOST_AUTO_TEST_CASE(of_the_limits_of_a_host_those_that_say_most_count)
{
    using weir::http::host_limits;
    const auto places = [](const fetcher_options& of, const std::string& origin) {
        const auto* const own = of.limits_of(origin);
        return own == nullptr ? std::size_t{0} : own->per_host().value().count();
    };
    fetcher_options all;
    BOOST_TEST(all.limits_of("http://a.example:80") == nullptr);
    all.limit_host("A.example.", host_limits().per_host(1));
    all.limit_host("a.example:8080", host_limits().per_host(2));
    all.limit_host("https://a.example:8080/", host_limits().per_host(3));
    all.limit_host("[::1]", host_limits().per_host(4));
    all.limit_host("b.example", host_limits().per_host(5));
    all.limit_host("b.example", host_limits().per_host(6));
    BOOST_TEST(places(all, "http://a.example:80") == 1u);
    BOOST_TEST(places(all, "http://a.example.:80") == 1u);
    BOOST_TEST(places(all, "http://a.example:8080") == 2u);
    BOOST_TEST(places(all, "https://a.example:8080") == 3u);
    BOOST_TEST(places(all, "http://[::1]:80") == 4u);
    BOOST_TEST(places(all, "http://b.example:80") == 6u);
    BOOST_TEST(places(all, "http://c.example:80") == 0u);
    BOOST_TEST(places(all, "") == 0u);
    BOOST_TEST(all.most_per_host().count() == 8u);
    all.limit_host("c.example", host_limits().per_host(20));
    BOOST_TEST(all.most_per_host().count() == 20u);
    all.limit_host("c.example", host_limits().per_host(weir::unlimited));
    BOOST_TEST(all.most_per_host().is_unlimited());
    for (const char* host : {"", "*", "a b", "a/b", "http://a.example/b", "ftp://a.example",
                             "http://me@a.example", "a.example:0", ":80", "*.example", ".", "a..b",
                             ".example", "a.example..", "http://*.example", "http://a..b"}) {
        BOOST_CHECK_THROW(all.limit_host(host, {}), std::invalid_argument);
        BOOST_TEST(fetcher_options::limit_key(host).empty(), host);
    }
    const char* same[][2] = {{"A.example.", "a.example"},
                             {"::1", "[0:0::1]"},
                             {"http://a.example", "http://a.example:80/"},
                             {"a.example:80", "A.example.:80"}};
    for (const auto& [one, other] : same)
        BOOST_TEST(fetcher_options::limit_key(one) == fetcher_options::limit_key(other));
    BOOST_TEST(fetcher_options::limit_key("a.b") != fetcher_options::limit_key("a.b:80"));
}

BOOST_AUTO_TEST_CASE(idle_connections_are_half_of_what_the_process_may_open)
{
    rlimit files{};
    BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
    const rlimit before = files;
    const auto idle_with = [&files](rlim_t most) {
        files.rlim_cur = most;
        BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
        return client_options().max_idle();
    };
    BOOST_TEST(idle_with(200) == 100u);
    BOOST_TEST(idle_with(20) == 16u);
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_TEST(client_options().max_idle(7).max_idle() == 7u);
}

BOOST_AUTO_TEST_CASE(decoding_options_refuse_what_could_decode_nothing)
{
    decoding_options o;
    const std::string scope = "weir::http::decoding_options::";
    BOOST_TEST(refusal([&] { o.max_ratio(0); }) == scope + "max_ratio: must be at least 1");
    BOOST_TEST(refusal([&] { o.max_memory(131'071); }) ==
               scope + "max_memory: must be at least 131072");
    BOOST_TEST(o.max_ratio() == 1000U);
    BOOST_TEST(refusal([&] { o.max_memory_of_all(131'071); }) ==
               scope + "max_memory_of_all: must be at least 131072");
    BOOST_TEST(o.max_memory() == 32U * 1024 * 1024);
    BOOST_TEST(o.max_memory_of_all() == 512U * 1024 * 1024);
    o.max_ratio(1).max_memory(131'072).max_bytes(0);
    BOOST_TEST(o.max_bytes() == 0U);
    BOOST_TEST(client_options().decoding(o).decoding().max_ratio() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
