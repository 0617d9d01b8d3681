// How hosts are reached: maps, families, the address filter, proxies; in a simulated network.
#include <weir/http/client.hpp>
#include <weir/http/detail/route.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/network.hpp>
#include <weir/sim/stream.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_proxy.hpp"
#include "http/support/simulated_server.hpp"
#include "http/support/wire_header.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using asio::ip::make_address;
using asio::ip::tcp;
using http::error_class;
using weir::sim::stream_options;
using weir::test::in_many_orders;
using weir::test::ok;
using weir::test::simulated_answer;
using weir::test::simulated_proxy;
using weir::test::simulated_server;
using weir::test::simulation;
using weir::test::wire_header;

namespace {

const tcp::endpoint web(make_address("192.0.2.1"), 80);
const tcp::endpoint other_web(make_address("192.0.2.2"), 8080);
const tcp::endpoint web6(make_address("2001:db8::1"), 80);
const tcp::endpoint middle(make_address("192.0.2.9"), 3128);

// A client with these rules in one context; servers are in the other one.
struct machines {
    machines(simulation& sim, http::network_options rules)
        : s(sim), all(sim.world), lines(std::make_shared<http::simulated_network>(sim.a, all)),
          client(sim.a.get_executor(),
                 http::client_options().network(std::move(rules)).connect_timeout(5s), lines)
    {
    }

    asio::awaitable<http::response> get(std::string url)
    {
        http::request ask(http::url::parse(url).value());
        body.clear();
        http::body_sink sink = [this](std::string_view part) {
            body += part;
            return weir::error_code();
        };
        co_return co_await client.async_request_into(std::move(ask), std::move(sink));
    }

    // Gets what must end with this body, or with this class of error and words in its text.
    asio::awaitable<void> expect(std::string url, std::string wanted)
    {
        const http::response answer = co_await get(url);
        BOOST_TEST(!answer.error, url << ": " << (answer.error ? answer.error->text() : ""));
        BOOST_TEST(body == wanted, url << ": " << body);
    }
    asio::awaitable<void> expect(std::string url, error_class kind, std::string words)
    {
        const http::response answer = co_await get(url);
        BOOST_REQUIRE_MESSAGE(answer.error, url);
        BOOST_TEST((answer.error->kind() == kind), url << ": " << answer.error->text());
        BOOST_TEST(answer.error->text().find(words) != std::string::npos, answer.error->text());
    }

    void run(std::function<asio::awaitable<void>()> test)
    {
        s.spawn([this, test = std::move(test)]() -> asio::awaitable<void> {
            co_await test();
            client.close_idle();
        });
        s.run();
        BOOST_TEST(all.descriptors() == 0U);
    }

    simulation& s;
    weir::sim::network all;
    std::shared_ptr<http::simulated_network> lines;
    http::client client;
    std::string body;
};

simulated_answer target_of(const std::string& target)
{
    return ok("this is " + target);
}

simulated_answer other_target_of(const std::string& target)
{
    return ok("that is " + target);
}

std::string established(const std::string&)
{
    return "HTTP/1.1 200 Connection established\r\n\r\n";
}

bool holds(const std::string& text, std::string_view words)
{
    return text.find(words) != std::string::npos;
}

http::network_options through_middle(const std::string& user = "", const std::string& except = "")
{
    http::proxies by;
    by.all("http://" + user + "192.0.2.9:3128").except(except);
    http::network_options rules;
    rules.through(by);
    return rules;
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_routes)

BOOST_AUTO_TEST_CASE(a_host_with_given_addresses_is_not_looked_up)
{
    simulation s(1);
    http::network_options rules;
    rules.resolve("given.example", {"192.0.2.1"}).resolve("given.example:8080", {"192.0.2.2"});
    rules.resolve("192.0.2.77", {"192.0.2.1"});
    machines m(s, rules);
    simulated_server one(m.all, web, s.b, target_of);
    simulated_server two(m.all, other_web, s.b, other_target_of);
    m.run([&]() -> asio::awaitable<void> {
        co_await m.expect("http://given.example/a", "this is /a");
        co_await m.expect("http://given.example:8080/b", "that is /b");
        co_await m.expect("http://192.0.2.77/c", "this is /c");
        co_await m.expect("http://asked.example/", error_class::dns, "asked.example");
    });
}

BOOST_AUTO_TEST_CASE(another_host_is_connected_to_and_the_name_stays)
{
    simulation s(1);
    http::network_options rules;
    rules.connect_to("old.example:443", "new.example:8080").connect_to("old.example", ":8080");
    rules.resolve("new.example:8080", {"192.0.2.2"}).resolve("old.example", {"192.0.2.2"});
    machines m(s, rules);
    m.lines->tls("new.example", http::simulated_tls().fails("the wrong name"));
    m.lines->tls("old.example", http::simulated_tls().round_trips(0));
    simulated_server two(m.all, other_web, s.b, other_target_of);
    m.run([&]() -> asio::awaitable<void> {
        co_await m.expect("https://old.example/a", "that is /a");
        co_await m.expect("http://old.example/b", "that is /b");
    });
}

BOOST_AUTO_TEST_CASE(only_one_family_is_used)
{
    for (const auto which : {http::address_family::v4, http::address_family::v6}) {
        simulation s(1);
        http::network_options rules;
        machines m(s, rules.only(which));
        const bool v4 = which == http::address_family::v4;
        simulated_server four(m.all, web, s.b, target_of);
        simulated_server six(m.all, web6, s.b, other_target_of);
        m.all.add_name("both.example", {web.address(), web6.address()}, 10ms);
        m.all.add_name("one.example", {v4 ? web6.address() : web.address()}, 10ms);
        m.run([&]() -> asio::awaitable<void> {
            co_await m.expect("http://both.example/", v4 ? "this is /" : "that is /");
            co_await m.expect("http://one.example/", error_class::dns, "one.example");
            const std::string literal = v4 ? "[2001:db8::1]" : "192.0.2.1";
            co_await m.expect("http://" + literal + "/", error_class::dns, "cannot find");
            BOOST_TEST((s.elapsed() == 20ms)); // the other family is not waited for
        });
    }
}

// ---- the address filter

bool is_not_secret(const asio::ip::address& to)
{
    return to != web.address();
}

BOOST_AUTO_TEST_CASE(refused_addresses_are_never_connected_to)
{
    simulation s(1);
    http::network_options rules;
    rules.connect_to("led.example", "192.0.2.1:80").resolve("given.example", {"192.0.2.1"});
    machines m(s, rules.allow(is_not_secret));
    simulated_server secret(m.all, web, s.b, target_of);
    simulated_server open(m.all, other_web, s.b, [](const std::string& target) {
        if (target == "/away")
            return simulated_answer{"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                                    "Location: http://secret.example/\r\n\r\n",
                                    false};
        return ok("open");
    });
    m.all.add_name("secret.example", {web.address()}, 10ms);
    m.all.add_name("mixed.example", {web.address(), other_web.address()}, 10ms);
    m.run([&]() -> asio::awaitable<void> {
        for (const char* url :
             {"http://192.0.2.1/", "http://0xc0000201/", "http://secret.example/",
              "http://led.example/", "http://given.example/", "http://192.0.2.2:8080/away"})
            co_await m.expect(url, error_class::blocked, "192.0.2.1");
        co_await m.expect("http://mixed.example:8080/", "open");
    });
    BOOST_TEST(secret.asked.empty());
    BOOST_TEST(m.all.accepted() == 2U); // the redirect, and the mixed name
}

// The name leads to a good address first, and to a refused one when the first answer is forgotten.
BOOST_AUTO_TEST_CASE(a_name_that_is_bound_anew_is_looked_at_again)
{
    simulation s(1);
    http::network_options rules;
    machines m(s, rules.allow(is_not_secret));
    simulated_server secret(m.all, tcp::endpoint(web.address(), 8080), s.b, target_of);
    simulated_server open(m.all, other_web, s.b, other_target_of);
    m.all.add_name("turn.example", {other_web.address()}, 10ms);
    m.run([&]() -> asio::awaitable<void> {
        co_await m.expect("http://turn.example:8080/", "that is /");
        m.client.close_idle();
        m.all.add_name("turn.example", {web.address()}, 10ms);
        co_await weir::async_sleep_for(s.a.get_executor(), 1h, asio::use_awaitable);
        co_await m.expect("http://turn.example:8080/", error_class::blocked, "turn.example");
    });
    BOOST_TEST(secret.asked.empty());
}

// ---- proxies

BOOST_AUTO_TEST_CASE(plain_requests_are_forwarded_on_shared_connections)
{
    in_many_orders(
        [](simulation& s) {
            machines m(s, through_middle("user:pass@"));
            const auto slow = stream_options().delay(1ms, 20ms).chunk(9);
            simulated_proxy by(m.all, middle, s.b, established, slow);
            m.run([&]() -> asio::awaitable<void> {
                co_await m.expect("http://a.example/1", "forwarded http://a.example/1");
                co_await m.expect("http://b.example:81/2", "forwarded http://b.example:81/2");
                co_await m.expect("http://u:p@a.example/3", "forwarded http://a.example/3");
            });
            BOOST_TEST(by.connections == 1U); // and no name was looked up
            for (const std::string& head : by.heads)
                BOOST_TEST(holds(head, "\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
            BOOST_TEST(holds(by.heads.at(1), "\r\nHost: b.example:81\r\n"));
        },
        30);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_of_a_proxy_is_one_of_every_host_that_it_forwards_to)
{
    simulation s(1);
    machines m(s, through_middle("", "near.example"));
    simulated_proxy by(m.all, middle, s.b, established);
    m.run([&]() -> asio::awaitable<void> {
        const auto has_idle = [&](const char* url) {
            return m.client.has_idle(http::url::parse(url).value().origin());
        };
        BOOST_TEST(!has_idle("http://a.example"));
        co_await m.expect("http://a.example/x", "forwarded http://a.example/x");
        BOOST_TEST(has_idle("http://a.example"));
        BOOST_TEST(has_idle("http://b.example:8080"));
        BOOST_TEST(!has_idle("http://near.example")); // reached without
        BOOST_TEST(!has_idle("https://a.example"));   // through a tunnel of its own
        m.client.close_idle();
        BOOST_TEST(!has_idle("http://a.example"));
    });
}

BOOST_AUTO_TEST_CASE(https_goes_through_a_tunnel_that_never_sees_the_credentials)
{
    in_many_orders(
        [](simulation& s) {
            machines m(s, through_middle("user:pass@"));
            const auto slow = stream_options().delay(1ms, 20ms).chunk(9);
            simulated_proxy by(m.all, middle, s.b, established, slow);
            m.run([&]() -> asio::awaitable<void> {
                co_await m.expect("https://a.example/1", "tunnelled /1");
                co_await m.expect("https://a.example/2", "tunnelled /2");
                co_await m.expect("https://b.example:8443/3", "tunnelled /3");
            });
            BOOST_TEST(by.connections == 2U); // a tunnel for each origin, used again
            BOOST_TEST(by.heads.size() == 2U);
            BOOST_TEST(by.heads.at(0).starts_with("CONNECT a.example:443 HTTP/1.1\r\n"));
            BOOST_TEST(by.heads.at(1).starts_with("CONNECT b.example:8443 HTTP/1.1\r\n"));
            for (const std::string& head : by.heads)
                BOOST_TEST(holds(head, "\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
            BOOST_TEST(by.tunnelled.size() == 3U);
            for (const std::string& head : by.tunnelled)
                BOOST_TEST(!holds(head, "Proxy-"));
        },
        30);
}

// The first bytes of the origin may come with the proxy's reply.
BOOST_AUTO_TEST_CASE(bytes_behind_the_reply_are_the_tunnels)
{
    simulation s(1);
    machines m(s, through_middle());
    m.lines->tls("a.example", http::simulated_tls().round_trips(0));
    const std::string early = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                              "Connection: close\r\n\r\nearly";
    simulated_proxy by(m.all, middle, s.b, [&early](const std::string&) { return early; });
    m.run([&]() -> asio::awaitable<void> { co_await m.expect("https://a.example/", "early"); });
}

BOOST_AUTO_TEST_CASE(a_proxy_may_be_reached_over_tls)
{
    in_many_orders(
        [](simulation& s) {
            http::proxies over_tls;
            over_tls.all("https://user:pass@192.0.2.9:3128");
            http::network_options rules;
            machines m(s, rules.through(over_tls));
            const auto slow = stream_options().delay(1ms, 20ms).chunk(9);
            simulated_proxy by(m.all, middle, s.b, established, slow, true);
            m.run([&]() -> asio::awaitable<void> {
                co_await m.expect("http://a.example/1", "forwarded http://a.example/1");
                co_await m.expect("https://a.example/2", "tunnelled /2");
                co_await m.expect("https://a.example/3", "tunnelled /3");
                m.client.close_idle();
                m.lines->tls("192.0.2.9", http::simulated_tls().fails("the wrong name"));
                for (const char* url : {"http://a.example/", "https://a.example/"})
                    co_await m.expect(url, error_class::proxy, "the proxy 192.0.2.9:3128");
            });
            BOOST_TEST(by.connections == 4U);
            BOOST_TEST(by.heads.size() == 2U); // none where the handshake failed
        },
        30);
}

BOOST_AUTO_TEST_CASE(an_excepted_host_is_reached_by_itself_and_gets_no_credentials)
{
    simulation s(1);
    machines m(s, through_middle("user:pass@", "near.example"));
    simulated_proxy by(m.all, middle, s.b, established);
    // It answers as the proxy does, and notes what it was sent.
    simulated_proxy near(m.all, web, s.b, established);
    m.all.add_name("near.example", {web.address()}, 10ms);
    m.run([&]() -> asio::awaitable<void> {
        co_await m.expect("http://far.example/1", "forwarded http://far.example/1");
        co_await m.expect("http://near.example/2", "forwarded /2");
    });
    BOOST_TEST(by.heads.size() == 1U);
    BOOST_REQUIRE(near.heads.size() == 1U);
    BOOST_TEST(!holds(near.heads.at(0), "Proxy-"));
}

BOOST_AUTO_TEST_CASE(a_request_to_forward_has_the_whole_url)
{
    const auto sent_through = [](const char* by, const http::request& ask) {
        http::network_options rules;
        rules.through(http::proxies().http(by));
        return http::detail::header_on_route(rules, ask, wire_header(ask, "weir"));
    };
    http::request ask(http::url::parse("http://u:p@[2001:db8::1]:81/a?b").value(), "POST");
    const std::string head = sent_through("http://x:@192.0.2.9:3128", ask);
    BOOST_TEST(head.starts_with(
        "POST http://[2001:db8::1]:81/a?b HTTP/1.1\r\nHost: [2001:db8::1]:81\r\n"));
    BOOST_TEST(head.ends_with("\r\nProxy-Authorization: Basic eDo=\r\n\r\n"));
    const std::string open = sent_through("http://192.0.2.9:3128", ask);
    BOOST_TEST(!holds(open, "Proxy-"));
    BOOST_TEST(open.ends_with("\r\n\r\n"));
    BOOST_TEST(sent_through("", ask) == wire_header(ask, "weir"));
    ask.header("Proxy-Authorization", "Basic own");
    const std::string own = sent_through("http://x:@192.0.2.9:3128", ask);
    BOOST_TEST(own.ends_with("\r\nProxy-Authorization: Basic own\r\n\r\n"));
    BOOST_TEST(!holds(own, "eDo="));
}

// connect_to says where the tunnel ends; the proxy could not know it of a request to forward.
BOOST_AUTO_TEST_CASE(a_host_that_is_led_elsewhere_has_a_tunnel)
{
    simulation s(1);
    http::network_options rules = through_middle();
    rules.connect_to("old.example", "new.example:8080");
    machines m(s, rules);
    simulated_proxy by(m.all, middle, s.b, established);
    m.run([&]() -> asio::awaitable<void> {
        co_await m.expect("https://old.example/1", "tunnelled /1");
    });
    BOOST_TEST(by.heads.at(0).starts_with("CONNECT new.example:8080 HTTP/1.1\r\n"));
    BOOST_TEST(holds(by.tunnelled.at(0), "\r\nHost: old.example\r\n"));
}

BOOST_AUTO_TEST_CASE(a_proxy_that_fails_is_named)
{
    struct row {
        std::string reply;
        error_class kind;
        const char* words;
    };
    const row rows[] = {
        {"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", error_class::proxy, "403 Forbidden"},
        {"HTTP/1.1 200 OK\r\nVia", error_class::proxy, "ended inside"}, // its end closes the tunnel
        {"HTTP/1.1 2", error_class::proxy, "ended inside"},
        {"", error_class::timeout, "the proxy 192.0.2.9:3128 did not say whether"},
    };
    for (const row& r : rows)
        in_many_orders(
            [&r](simulation& s) {
                machines m(s, through_middle());
                const auto slow = stream_options().delay(1ms, 50ms).chunk(5);
                simulated_proxy by(
                    m.all, middle, s.b, [&r](const std::string&) { return r.reply; }, slow);
                m.run([&]() -> asio::awaitable<void> {
                    co_await m.expect("https://a.example/", r.kind, r.words);
                    BOOST_TEST(m.client.connections() == 0U);
                });
            },
            20);
}

BOOST_AUTO_TEST_CASE(a_proxy_that_is_not_reached_is_named)
{
    simulation s(1);
    http::proxies by;
    by.http("refused.example:3128").https("none.example:3128");
    http::network_options rules;
    rules.through(by).resolve("refused.example", {"192.0.2.9"});
    machines m(s, rules);
    m.all.fail_name("none.example", tcp::v4(), asio::error::host_not_found, 10ms);
    m.all.fail_name("none.example", tcp::v6(), asio::error::host_not_found, 10ms);
    m.run([&]() -> asio::awaitable<void> {
        co_await m.expect("http://a.example/", error_class::proxy,
                          "the proxy refused.example:3128");
        co_await m.expect("https://a.example/", error_class::proxy, "the proxy none.example:3128");
        m.all.silence_server(middle);
        co_await m.expect("http://a.example/", error_class::timeout,
                          "the proxy refused.example:3128 did not accept");
    });
}

// It accepts connections, and says nothing.
BOOST_AUTO_TEST_CASE(a_proxy_that_is_silent_in_its_handshake_is_named)
{
    simulation s(1);
    http::proxies over_tls;
    over_tls.all("https://192.0.2.9:3128");
    machines m(s, http::network_options().through(over_tls));
    std::vector<weir::sim::stream> kept;
    m.all.add_server(middle, s.b,
                     [&kept](weir::sim::stream end) { kept.push_back(std::move(end)); });
    m.run([&]() -> asio::awaitable<void> {
        for (const char* url : {"http://a.example/", "https://a.example/"})
            co_await m.expect(url, error_class::timeout,
                              "within 5 s: the proxy 192.0.2.9:3128 did not end its TLS handshake");
        BOOST_TEST(m.client.connections() == 0U);
    });
    BOOST_TEST(kept.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_is_cut_at_any_step_leaves_nothing_behind)
{
    in_many_orders([](simulation& s) {
        machines m(s, through_middle());
        const auto slow = stream_options().delay(1ms, 50ms).chunk(9);
        simulated_proxy by(m.all, middle, s.b, established, slow);
        asio::cancellation_signal stop;
        s.a.at_some_step([&] { stop.emit(asio::cancellation_type::terminal); });
        int ended = 0;
        s.spawn([&]() -> asio::awaitable<void> {
            auto getting = m.get("https://a.example/");
            auto token =
                asio::bind_cancellation_slot(stop.slot(), asio::as_tuple(asio::use_awaitable));
            auto all = asio::co_spawn(s.a.get_executor(), std::move(getting), token);
            [[maybe_unused]] const auto answered = co_await std::move(all);
            ++ended;
            BOOST_TEST(m.client.connections() == m.client.idle());
            m.client.close_idle();
        });
        s.run();
        BOOST_TEST(ended == 1);
        BOOST_TEST(m.all.descriptors() == 0U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
