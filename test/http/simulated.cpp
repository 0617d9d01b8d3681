// The whole client in a simulated network.
#include <weir/http/client.hpp>
#include <weir/http/simulated_network.hpp>
#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_client.hpp"
#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using asio::ip::make_address;
using asio::ip::tcp;
using http::error_class;
using weir::sim::schedules;
using weir::sim::stream_options;
using weir::test::exchanges;
using weir::test::in_every_order;
using weir::test::in_many_orders;
using weir::test::machines;
using weir::test::ok;
using weir::test::secure_web;
using weir::test::simulated_answer;
using weir::test::simulated_server;
using weir::test::simulation;
using weir::test::target_of;
using weir::test::web;

BOOST_AUTO_TEST_SUITE(http_client_in_simulation)

BOOST_AUTO_TEST_CASE(an_answer_arrives_however_it_is_cut)
{
    in_many_orders([](simulation& s) {
        machines m(s);
        const auto slow = stream_options().delay(1ms, 50ms).chunk(9).buffer(40);
        const std::string page(500, 'x');
        simulated_server plain(
            m.all, web, s.b, [&](const std::string&) { return ok(page); }, slow);
        simulated_server tls(
            m.all, secure_web, s.b, [&](const std::string&) { return ok(page); }, slow, 2);
        m.expect("http://192.0.2.1/a", std::nullopt, page);
        m.expect("https://192.0.2.1/b", std::nullopt, page);
        s.run();
        BOOST_TEST(plain.answered == 1U);
        BOOST_TEST(tls.answered == 1U);
    });
}

BOOST_AUTO_TEST_CASE(connections_are_refused_unreachable_or_silent)
{
    simulation s(1);
    machines m(s, http::client_options().connect_timeout(5s));
    m.all.fail_server(web, asio::error::host_unreachable, 3s);
    m.all.silence_server(tcp::endpoint(web.address(), 81));
    m.expect("http://192.0.2.1/", error_class::connect, "", 3s);
    m.expect("http://192.0.2.1:81/", error_class::timeout, "", 5s);
    m.expect("http://192.0.2.1:82/", error_class::connect, "", 0s);
    s.run();
    BOOST_TEST(m.all.descriptors() == 0U);
    BOOST_TEST(m.client->connections() == 0U);
}

// It says of an address of IPv6 what it would say when it had no port left.
BOOST_AUTO_TEST_CASE(a_machine_without_ipv6_says_so_at_once)
{
    simulation s(1);
    machines m(s, http::client_options().connect_timeout(5s));
    const auto none =
        boost::system::errc::make_error_code(boost::system::errc::address_not_available);
    m.all.fail_server(tcp::endpoint(make_address("2001:db8::1"), 80), none);
    m.expect("http://[2001:db8::1]/", error_class::connect, "", 0s);
    s.run();
}

BOOST_AUTO_TEST_CASE(a_handshake_fails_or_hangs)
{
    simulation s(1);
    machines m(s, http::client_options().connect_timeout(5s));
    m.lines->tls("192.0.2.1", http::simulated_tls().round_trips(1).fails("no such certificate"));
    const auto slow = stream_options().delay(1s, 1s);
    simulated_server one(m.all, secure_web, s.b, target_of, slow, 1);
    // It waits for a second byte of the handshake, and the client for its answer.
    const tcp::endpoint other(make_address("192.0.2.2"), 443);
    m.lines->tls("192.0.2.2", http::simulated_tls().round_trips(2));
    simulated_server two(m.all, other, s.b, target_of, slow, 1);
    s.spawn([&]() -> asio::awaitable<void> {
        std::string body;
        const http::response answer = co_await m.get("https://192.0.2.1/", body);
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST((answer.error->kind() == error_class::tls));
        BOOST_TEST(answer.error->text().find("no such certificate") != std::string::npos);
        BOOST_TEST((s.elapsed() == 3s));
    });
    m.expect("https://192.0.2.2/", error_class::timeout, "", 5s);
    s.run();
    BOOST_TEST(one.asked.empty());
    BOOST_TEST(two.asked.empty());
    BOOST_TEST(m.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(a_connection_is_used_again_and_closed_when_it_was_idle_for_long)
{
    simulation s(1);
    machines m(s, http::client_options().idle_timeout(10s));
    simulated_server server(m.all, web, s.b, target_of);
    s.spawn([&]() -> asio::awaitable<void> {
        for (const char* target : {"/a", "/b", "/c"}) {
            std::string body;
            const auto answer = co_await m.get("http://192.0.2.1" + std::string(target), body);
            BOOST_TEST(body == "this is " + std::string(target));
            BOOST_TEST(answer.reused == (target != std::string("/a")));
        }
        BOOST_TEST(m.client->idle() == 1U);
    });
    s.run();
    BOOST_TEST((s.elapsed() == 10s));
    BOOST_TEST(m.all.accepted() == 1U);
    BOOST_TEST(m.client->idle() == 0U);
    BOOST_TEST(m.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(a_name_whose_address_is_dead_or_unknown_costs_little)
{
    simulation s(1);
    machines m(s, http::client_options().connect_timeout(5s));
    simulated_server server(m.all, web, s.b, target_of);
    const auto dead = make_address("2001:db8::1");
    m.all.silence_server(tcp::endpoint(dead, 80));
    m.all.add_name("dead.example", {web.address(), dead}, 10ms);
    m.all.add_name("mute.example", {web.address()}, 10ms);
    m.all.fail_name("mute.example", tcp::v6(), asio::error::host_not_found_try_again, 75s);
    m.all.fail_name("none.example", tcp::v4(), asio::error::host_not_found, 10ms);
    m.all.fail_name("none.example", tcp::v6(), asio::error::host_not_found, 10ms);
    m.expect("http://dead.example/", std::nullopt, "this is /", 260ms);
    m.expect("http://mute.example/", std::nullopt, "this is /", 60ms);
    m.expect("http://none.example/", error_class::dns, "", 10ms);
    s.run();
    BOOST_TEST(m.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(names_that_hang_hold_up_no_other)
{
    simulation s(1);
    machines m(s, http::client_options().connect_timeout(5s));
    simulated_server server(m.all, web, s.b, target_of);
    for (int i = 0; i < 64; ++i) {
        const std::string hung = "hung" + std::to_string(i) + ".example";
        m.all.fail_name(hung, tcp::v4(), asio::error::host_not_found_try_again, 75s);
        m.all.fail_name(hung, tcp::v6(), asio::error::host_not_found_try_again, 75s);
        m.expect("http://" + hung + "/", error_class::timeout, "", 5s);
    }
    for (int i = 0; i < 100; ++i) {
        const std::string good = "good" + std::to_string(i) + ".example";
        m.all.add_name(good, {web.address()}, 20ms);
        m.expect("http://" + good + "/", std::nullopt, "this is /", 20ms);
    }
    s.run();
    BOOST_TEST((s.elapsed() == 5s)); // and nothing waits for the hung ones
    BOOST_TEST(server.answered == 100U);
}

BOOST_AUTO_TEST_CASE(connection_close_is_honoured)
{
    simulation s(1);
    machines m(s);
    simulated_server server(m.all, web, s.b, target_of);
    s.spawn([&]() -> asio::awaitable<void> {
        http::request ask(http::url::parse("http://192.0.2.1/a").value());
        ask.header("Connection", "Close");
        const http::response answer = co_await m.client->async_request(std::move(ask));
        BOOST_TEST(answer.status == 200U);
        BOOST_TEST(m.client->connections() == 0U);
        BOOST_TEST(m.all.descriptors() == 0U);
    });
    s.run();
}

// A server says 408 of a connection that was idle, just when the next request is sent. That of a
// new connection is an answer.
BOOST_AUTO_TEST_CASE(a_request_timeout_on_a_used_connection_is_no_answer)
{
    simulation s(1);
    machines m(s);
    std::size_t answered = 0;
    const simulated_answer timeout{"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n"
                                   "Connection: close\r\n\r\nidle",
                                   true};
    simulated_server server(m.all, web, s.b, [&](const std::string& target) {
        ++answered;
        return target == "/late" || answered == 2 ? timeout : ok("answer " + target);
    });
    s.spawn([&]() -> asio::awaitable<void> {
        std::string first, second, third;
        const auto once = co_await m.get("http://192.0.2.1/a", first);
        BOOST_TEST(once.status == 200U);
        const auto again = co_await m.get("http://192.0.2.1/b", second);
        BOOST_TEST(second == "answer /b");
        BOOST_TEST(again.status == 200U);
        BOOST_TEST(!again.reused);
        m.client->close_idle();
        const auto late = co_await m.get("http://192.0.2.1/late", third);
        BOOST_TEST(late.status == 408U);
        BOOST_TEST(third == "idle");
    });
    s.run();
    BOOST_TEST(answered == 4U);
    BOOST_TEST(m.all.accepted() == 3U);
}

// Only the death of a connection that was used before says nothing of the request.
BOOST_AUTO_TEST_CASE(a_new_connection_that_is_closed_unanswered_is_not_tried_again)
{
    simulation s(1);
    machines m(s);
    std::size_t asked = 0;
    simulated_server server(m.all, web, s.b, [&](const std::string&) {
        return ++asked == 2 ? ok("good") : simulated_answer{"", true};
    });
    s.spawn([&]() -> asio::awaitable<void> {
        std::string body;
        const auto first = co_await m.get("http://192.0.2.1/", body);
        BOOST_REQUIRE(first.error.has_value());
        BOOST_TEST((first.error->kind() == error_class::incomplete));
        BOOST_TEST((first.processed == http::processed::maybe));
        const auto second = co_await m.get("http://192.0.2.1/", body);
        BOOST_TEST(body == "good");
        BOOST_TEST((second.processed == http::processed::yes));
        const auto third = co_await m.get("http://192.0.2.1/", body); // on the used one, then again
        BOOST_TEST((third.processed == http::processed::maybe));
        BOOST_TEST(!third.reused);
        const auto fourth = co_await m.get("http://192.0.2.1:81/", body);
        BOOST_TEST((fourth.processed == http::processed::no));
    });
    s.run();
    BOOST_TEST(asked == 4U);
    BOOST_TEST(m.all.descriptors() == 0U);
}

// Its own connection is still on its way.
BOOST_AUTO_TEST_CASE(a_request_takes_the_connection_that_is_free_first)
{
    simulation s(1);
    machines m(s);
    const auto slow = stream_options().delay(100ms, 100ms);
    m.lines->tls("192.0.2.1", http::simulated_tls().round_trips(9));
    simulated_server server(m.all, secure_web, s.b, target_of, slow, 9);
    weir::duration opened{};
    const auto later = [&]() -> asio::awaitable<void> {
        std::string body;
        const auto answer = co_await m.get("https://192.0.2.1/b", body);
        BOOST_TEST(answer.reused);
        BOOST_TEST((answer.timings.total < opened));
    };
    s.spawn([&]() -> asio::awaitable<void> {
        std::string body;
        const auto first = co_await m.get("https://192.0.2.1/a", body);
        opened = first.timings.connect + first.timings.tls;
        s.spawn(later);
        s.spawn(later);
    });
    s.run();
    BOOST_TEST(m.all.accepted() == 2U); // the second is kept, for the next
    BOOST_TEST(m.all.descriptors() == 0U);
}

// It waits for another one's descriptor.
BOOST_AUTO_TEST_CASE(a_shortage_of_descriptors_is_waited_for)
{
    simulation s(1);
    machines m(s);
    m.all.limit_descriptors(1);
    const auto slow = stream_options().delay(100ms, 100ms);
    simulated_server server(m.all, web, s.b, target_of, slow);
    const tcp::endpoint other(make_address("192.0.2.2"), 80);
    simulated_server second(m.all, other, s.b, target_of, slow);
    for (const char* host : {"192.0.2.1", "192.0.2.2"})
        s.spawn([&m, host]() -> asio::awaitable<void> {
            std::string body;
            const auto answer = co_await m.get("http://" + std::string(host) + "/", body);
            BOOST_TEST(!answer.error);
            BOOST_TEST(body == "this is /");
        });
    s.run();
    BOOST_TEST(m.all.accepted() == 2U);
    BOOST_TEST(m.all.descriptors() == 0U);
}

// Nothing of the client's can give one back. In this order they see each other's attempts.
BOOST_AUTO_TEST_CASE(without_any_descriptor_requests_fail_soon)
{
    simulation s(1);
    machines m(s);
    m.all.limit_descriptors(0);
    simulated_server server(m.all, web, s.b, target_of);
    for (int i = 0; i < 3; ++i)
        s.spawn([&]() -> asio::awaitable<void> {
            std::string body;
            const auto answer = co_await m.get("http://192.0.2.1/", body);
            BOOST_REQUIRE(answer.error.has_value());
            BOOST_TEST((answer.error->kind() == error_class::connect));
            BOOST_TEST(answer.error->text().find("Too many open files") != std::string::npos);
        });
    s.run();
    BOOST_TEST((s.elapsed() < 1s));
}

// An idle connection, one in use, a handshake: each of them has the only descriptor.
BOOST_AUTO_TEST_CASE(a_descriptor_that_the_client_has_is_waited_for)
{
    in_many_orders([](simulation& s) {
        machines m(s, http::client_options().idle_timeout(1h));
        m.all.limit_descriptors(1);
        const auto slow = stream_options().delay(0ms, 300ms);
        simulated_server plain(m.all, web, s.b, target_of, slow);
        m.lines->tls("192.0.2.2", http::simulated_tls());
        const tcp::endpoint other(make_address("192.0.2.2"), 443);
        simulated_server tls(m.all, other, s.b, target_of, slow, 2);
        m.expect("http://192.0.2.1/a", std::nullopt, "this is /a");
        m.expect("https://192.0.2.2/b", std::nullopt, "this is /b");
        m.expect("http://192.0.2.1/c", std::nullopt, "this is /c");
        m.expect("https://192.0.2.2/d", std::nullopt, "this is /d");
        s.run();
        BOOST_TEST(m.all.descriptors() == 0U);
    });
}

// It would not be sent again, so it must not go out in vain.
BOOST_AUTO_TEST_CASE(a_request_that_cannot_be_repeated_gets_no_closed_connection)
{
    simulation s(1);
    machines m(s, http::client_options().idle_timeout(1h));
    simulated_server server(m.all, web, s.b, target_of);
    const http::body_sink any = [](std::string_view) { return weir::error_code(); };
    s.spawn([&]() -> asio::awaitable<void> {
        for (int i = 0; i < 2; ++i) {
            http::request ask(http::url::parse("http://192.0.2.1/a").value(), "POST");
            const http::response answer =
                co_await m.client->async_request_into(std::move(ask), any);
            BOOST_TEST(!answer.error);
            BOOST_TEST(!answer.reused);
            server.close();
            co_await weir::async_sleep_for(s.a.get_executor(), 1s, asio::use_awaitable);
        }
        m.client->close_idle();
    });
    s.run();
    BOOST_TEST(server.asked.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_connection_whose_body_was_cut_short_is_not_used_again)
{
    simulation s(1);
    machines m(s);
    const auto slow = stream_options().chunk(60);
    simulated_server server(
        m.all, web, s.b, [](const std::string&) { return ok(std::string(500, 'x')); }, slow);
    s.spawn([&]() -> asio::awaitable<void> {
        http::request ask(http::url::parse("http://192.0.2.1/a").value());
        http::body_sink full = [](std::string_view) {
            return make_error_code(boost::system::errc::no_space_on_device);
        };
        const auto answer = co_await m.client->async_request_into(std::move(ask), std::move(full));
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST((answer.error->kind() == error_class::io));
        BOOST_TEST(m.client->connections() == 0U);
    });
    s.run();
    BOOST_TEST(m.all.descriptors() == 0U);
}

// In whatever step: before, while or after the server accepts.
BOOST_AUTO_TEST_CASE(an_attempt_that_is_given_up_leaves_nothing_open)
{
    in_every_order([](simulation& s) {
        machines m(s);
        simulated_server server(m.all, web, s.b, target_of);
        const tcp::endpoint silent(web.address(), 81);
        m.all.silence_server(silent);
        std::size_t told = 0;
        bool given_up = false, accepted = false;
        std::unique_ptr<http::network::attempt> attempts[2];
        const auto take = [&](const weir::error_code& error,
                              std::unique_ptr<http::transport> line) {
            BOOST_REQUIRE(!given_up);
            told += error ? 0 : 1; // at last the system gives the silent one up
            BOOST_REQUIRE(!error == (line != nullptr));
        };
        attempts[0] = m.lines->connect(web, take);
        attempts[1] = m.lines->connect(silent, take);
        BOOST_REQUIRE(m.all.descriptors() == 2U);
        s.a.at_some_step([&] {
            given_up = true;
            accepted = told != 0;
            attempts[0].reset();
            attempts[1].reset();
        });
        s.run();
        BOOST_REQUIRE((told == 1U) == accepted);
        BOOST_REQUIRE(m.all.descriptors() == 0U);
        BOOST_REQUIRE(server.connections() == 0U);
    });
}

// ---- every order; more of them in test/proof_http

template <class Fault>
void exchanges_in(const schedules& which, std::size_t requests, std::size_t per_host, Fault fault)
{
    in_every_order(
        [&](simulation& s) {
            exchanges all(s, requests, per_host);
            fault(all);
            all.finish(exchanges::places::tried);
        },
        which);
}

void exchanges_with_each_fault(std::size_t requests, std::size_t per_host, const schedules& none,
                               const schedules& one)
{
    exchanges_in(none, requests, per_host, [](exchanges&) {});
    for (std::size_t i = 0; i < requests; ++i)
        exchanges_in(one, requests, per_host, [i](exchanges& all) { all.cancel(i); });
    exchanges_in(one, requests, per_host, [](exchanges& all) { all.lose_connections(); });
    exchanges_in(one, requests, per_host, [](exchanges& all) { all.close_connections(); });
    exchanges_in(one, requests, per_host, [](exchanges& all) { all.destroy_client(); });
}

BOOST_AUTO_TEST_CASE(two_requests_at_one_place)
{
    exchanges_with_each_fault(2, 1, schedules::delayed(2), schedules::delayed(1));
}

BOOST_AUTO_TEST_CASE(three_requests_at_two_places)
{
    exchanges_with_each_fault(3, 2, schedules::delayed(1), schedules::random(200, 1));
}

BOOST_AUTO_TEST_SUITE_END()
