// What becomes of connections while nothing uses them, in simulation.
#include <weir/http/client.hpp>

#include <weir/time/sleep.hpp>

#include "http/support/simulated_client.hpp"
#include "http/support/simulated_peer.hpp"
#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using weir::test::machines;
using weir::test::secure_web;
using weir::test::simulated_peer;
using weir::test::simulated_peers;
using weir::test::simulated_server;
using weir::test::simulation;
using weir::test::target_of;
using weir::test::web;

namespace {

http::client_options patient()
{
    return http::client_options().idle_timeout(1h);
}

// Leaves one connection that has carried a request.
asio::awaitable<void> get(machines& m, std::string url)
{
    std::string body;
    const http::response answer = co_await m.get(url, body);
    BOOST_TEST(!answer.error);
    BOOST_TEST(m.client->idle() == 1U);
}

// How long the client has the connection after its server did `what`, half a second into idleness.
weir::duration closed_after(const std::string& url,
                            const std::function<void(simulated_server&)>& what)
{
    simulation s(1);
    machines m(s, patient());
    const bool secure = url.starts_with("https");
    simulated_server server(m.all, secure ? secure_web : web, s.b, target_of,
                            weir::sim::stream_options(), secure ? 2 : 0);
    weir::duration took{};
    s.spawn([&]() -> asio::awaitable<void> {
        co_await get(m, url);
        co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
        const auto then = s.world.now();
        what(server);
        while (m.client->connections() != 0)
            co_await weir::async_sleep_for(s.a.get_executor(), 10ms);
        took = s.world.now() - then;
        BOOST_TEST(m.client->idle() == 0U);
        BOOST_TEST(m.all.descriptors() == 0U);
    });
    s.run();
    return took;
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_idle_sessions)

BOOST_AUTO_TEST_CASE(a_connection_that_its_server_ends_is_closed_within_a_second)
{
    for (const char* url : {"http://192.0.2.1/a", "https://192.0.2.1/a"}) {
        BOOST_TEST((closed_after(url, [](auto& server) { server.close(); }) <= 1s));
        BOOST_TEST((closed_after(url, [](auto& server) { server.reset(); }) <= 1s));
    }
}

BOOST_AUTO_TEST_CASE(a_connection_on_which_the_server_speaks_unasked_is_closed)
{
    simulation s(1);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
        co_await weir::async_sleep_for(s.b.get_executor(), 10500ms);
        co_await by.say("HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n");
        co_await by.head();
    };
    machines m(s, patient());
    simulated_peers peers(m.all, web, s.b, script);
    s.spawn([&]() -> asio::awaitable<void> {
        co_await get(m, "http://192.0.2.1/a");
        co_await weir::async_sleep_for(s.a.get_executor(), 10s);
        BOOST_TEST(m.client->idle() == 1U);
        co_await weir::async_sleep_for(s.a.get_executor(), 2s);
        BOOST_TEST(m.client->connections() == 0U);
    });
    s.run();
    BOOST_TEST((s.elapsed() < 13s));
    BOOST_TEST(m.all.descriptors() == 0U);
}

// To look at it keeps nothing alive longer, and leaves alone what is quiet.
BOOST_AUTO_TEST_CASE(a_quiet_connection_is_kept_for_its_time_and_no_longer)
{
    simulation s(1);
    machines m(s, http::client_options().idle_timeout(3500ms));
    simulated_server server(m.all, web, s.b, target_of);
    s.spawn([&]() -> asio::awaitable<void> { return get(m, "http://192.0.2.1/a"); });
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 3400ms);
        BOOST_TEST(m.client->idle() == 1U);
    });
    s.run();
    BOOST_TEST((s.elapsed() == 3500ms));
    BOOST_TEST(m.client->connections() == 0U);
    BOOST_TEST(m.all.descriptors() == 0U);
}

// A connection in use is not looked at: what arrives there is an answer.
BOOST_AUTO_TEST_CASE(a_connection_in_use_is_left_alone)
{
    simulation s(1);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            for (const char* part : {"HTTP/1.1 200 OK\r\n", "Content-Length: 4\r\n\r\n", "done"}) {
                co_await weir::async_sleep_for(s.b.get_executor(), 1s);
                co_await by.say(part);
            }
        }
    };
    machines m(s, patient());
    simulated_peers peers(m.all, web, s.b, script);
    s.spawn([&]() -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i) {
            co_await get(m, "http://192.0.2.1/a");
            co_await weir::async_sleep_for(s.a.get_executor(), 2s);
        }
        m.client->close_idle();
    });
    s.run();
    BOOST_TEST(peers.connections == 1U);
    BOOST_TEST((s.elapsed() == 15s));
}

BOOST_AUTO_TEST_SUITE_END()
