// The time limits of a request, and the record of its attempts.
#include <weir/http/client.hpp>
#include <weir/http/detail/phase_watch.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using asio::ip::make_address;
using http::error_class;
using http::phase;
using http::request_options;
using http::detail::phase_watch;
using weir::test::simulated_peer;
using weir::test::simulated_peers;
using weir::test::simulation;

namespace {

const weir::sim::network::endpoint web(make_address("192.0.2.1"), 80);
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct machines {
    explicit machines(simulation& sim, http::client_options options = http::client_options())
        : s(sim), all(sim.world), lines(std::make_shared<http::simulated_network>(sim.a, all)),
          client(sim.a.get_executor(), std::move(options), lines)
    {
    }

    asio::awaitable<http::response> get(const std::string& url, const request_options& limits)
    {
        http::request ask(http::url::parse(url).value());
        ask.options(limits);
        return client.async_request(std::move(ask), asio::use_awaitable);
    }

    // A request that must end after so long, with this in its text.
    void expect_late(const std::string& url, const request_options& limits, weir::duration after,
                     const std::string& text)
    {
        s.spawn([=, this]() -> asio::awaitable<void> {
            const auto began = s.world.now();
            const http::response answer = co_await get(url, limits);
            BOOST_TEST((s.world.now() - began == after), url);
            BOOST_REQUIRE(answer.error.has_value());
            BOOST_TEST((answer.error->kind() == error_class::timeout));
            BOOST_TEST(answer.error->text().find(text) != std::string::npos, answer.error->text());
            BOOST_REQUIRE(!answer.attempts.empty());
            BOOST_TEST((answer.attempts.back().error->kind() == error_class::timeout));
            client.close_idle();
        });
    }

    void run()
    {
        s.run();
        BOOST_TEST(client.connections() == 0U);
        BOOST_TEST(all.descriptors() == 0U);
    }

    simulation& s;
    weir::sim::network all;
    std::shared_ptr<http::simulated_network> lines;
    http::client client;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_limits)

BOOST_AUTO_TEST_CASE(each_limit_counts_in_its_phase)
{
    const weir::time_point start{};
    phase_watch none(request_options(), start);
    BOOST_TEST(!none.has_time_limits());
    BOOST_TEST((none.next() == weir::time_point::max()));

    request_options limits;
    limits.name_timeout(2s).tls_timeout(3s).connect_timeout(4s).first_byte_timeout(5s);
    limits.total_timeout(60s);
    phase_watch w(limits, start);
    BOOST_TEST(w.has_time_limits());
    BOOST_TEST((w.next() == start + 60s));
    w.enter(phase::name, start + 10s, 0);
    BOOST_TEST((w.next() == start + 12s));
    BOOST_TEST(!w.late(start + 11s, 0));
    w.enter(phase::connect, start + 11s, 0);
    BOOST_TEST((w.next() == start + 14s)); // connect_timeout, from the look-up on
    w.enter(phase::tls, start + 12s, 0);
    BOOST_TEST((w.next() == start + 14s));
    w.enter(phase::send, start + 13s, 0);
    BOOST_TEST((w.next() == start + 60s));
    w.enter(phase::response, start + 20s, 0);
    BOOST_TEST((w.next() == start + 25s));
    BOOST_REQUIRE(w.late(start + 25s, 0).has_value());
    BOOST_TEST(w.late(start + 25s, 0)->text() ==
               "timed out in phase response: first_byte_timeout of 5 s has passed");
    w.enter(phase::body, start + 21s, 0);
    BOOST_TEST((w.next() == start + 60s));
    BOOST_TEST(w.late(start + 60s, 0)->text() ==
               "timed out in phase body: total_timeout of 60 s has passed");
}

BOOST_AUTO_TEST_CASE(no_limit_passes_before_the_soonest_time)
{
    const weir::time_point start = weir::time_point() + 7s;
    const auto soonest = [&](const request_options& limits) {
        return phase_watch(limits, start).soonest() - start;
    };
    BOOST_TEST((phase_watch(request_options(), start).soonest() == weir::time_point::max()));
    BOOST_TEST((soonest(request_options().name_timeout(2s)) == 2s));
    BOOST_TEST((soonest(request_options().connect_timeout(2s)) == 2s));
    BOOST_TEST((soonest(request_options().tls_timeout(2s)) == 2s));
    BOOST_TEST((soonest(request_options().first_byte_timeout(2s)) == 2s));
    BOOST_TEST((soonest(request_options().total_timeout(2s)) == 2s));
    BOOST_TEST((soonest(request_options().least_speed(1, 2s)) == 2s));
    BOOST_TEST((soonest(request_options().least_speed(0, 2s).total_timeout(9s)) == 9s));
    BOOST_TEST((soonest(request_options().total_timeout(9s).tls_timeout(2s)) == 2s));
}

BOOST_AUTO_TEST_CASE(a_speed_is_measured_while_bytes_move)
{
    const weir::time_point start{};
    phase_watch w(request_options().least_speed(100, 10s), start);
    BOOST_TEST((w.next() == weir::time_point::max()));
    w.enter(phase::send, start, 0);
    BOOST_TEST((w.next() == start + 10s));
    BOOST_TEST(!w.late(start + 10s, 1000)); // just enough, and the next ten seconds begin
    BOOST_TEST((w.next() == start + 20s));
    w.enter(phase::response, start + 12s, 1000);
    BOOST_TEST((w.next() == weir::time_point::max()));
    w.enter(phase::body, start + 30s, 1200);
    BOOST_TEST((w.next() == start + 40s));
    w.pause();
    BOOST_TEST((w.next() == weir::time_point::max()));
    w.resume(start + 50s, 1300);
    BOOST_TEST((w.next() == start + 60s));
    const auto late = w.late(start + 60s, 2299);
    BOOST_REQUIRE(late.has_value());
    BOOST_TEST(late->text() ==
               "timed out in phase body: 999 bytes in 10 s, least_speed is 100 a second");
}

BOOST_AUTO_TEST_CASE(the_first_byte_is_not_waited_for_while_the_source_is_busy)
{
    const weir::time_point start{};
    phase_watch w(request_options().first_byte_timeout(5s), start);
    w.enter(phase::response, start, 0);
    w.pause();
    BOOST_TEST((w.next() == weir::time_point::max()));
    BOOST_TEST(!w.late(start + 9s, 0));
    w.resume(start + 9s, 0);
    BOOST_TEST((w.next() == start + 14s));
    BOOST_TEST(!w.late(start + 13s, 0));
    BOOST_TEST(w.late(start + 14s, 0).has_value());
}

BOOST_AUTO_TEST_CASE(limits_of_a_request_go_before_those_of_the_client)
{
    http::client_options client;
    client.requests(request_options().total_timeout(3s).max_redirects(4));
    client.requests(request_options().max_redirects(5));
    const auto own = request_options().total_timeout(1s).or_else(client.requests());
    BOOST_TEST((own.total_timeout() == 1s));
    BOOST_TEST((client.requests().total_timeout() == 3s));
    BOOST_TEST(client.max_redirects() == 5U);
    BOOST_TEST((own.max_kept_body() == 64U * 1024 * 1024));
    BOOST_CHECK_THROW(request_options().total_timeout(0s), std::invalid_argument);
    BOOST_CHECK_THROW(request_options().least_speed(1, 0s), std::invalid_argument);
    BOOST_CHECK_THROW(http::client_options().max_held_bodies(weir::paused), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_connection_that_takes_too_long_says_in_which_phase)
{
    simulation s(1);
    machines m(s);
    m.all.add_name("mute.example", {make_address("192.0.2.9")}, 75s);
    m.all.silence_server({make_address("192.0.2.2"), 80});
    m.lines->tls("192.0.2.3", http::simulated_tls().round_trips(2));
    const auto silent = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.take(2); // of a handshake that goes no further
    };
    simulated_peers tls(m.all, {make_address("192.0.2.3"), 443}, s.b, silent);
    m.expect_late("http://mute.example/", request_options().name_timeout(2s), 2s,
                  "phase name: name_timeout of 2 s");
    m.expect_late("http://192.0.2.2/", request_options().connect_timeout(1500ms), 1500ms,
                  "phase connect: connect_timeout of 1.5 s");
    m.expect_late("https://192.0.2.3/", request_options().tls_timeout(4s), 4s,
                  "phase tls: tls_timeout of 4 s");
    m.run();
}

BOOST_AUTO_TEST_CASE(a_server_that_is_silent_or_slow_is_left)
{
    simulation s(1);
    machines m(s);
    const auto slow = [&](simulated_peer& by) -> asio::awaitable<void> {
        const std::string head = co_await by.head();
        if (head.find("GET /silent") == 0)
            co_await by.head();
        co_await by.say("HTTP/1.1 200 OK\r\n\r\n");
        for (;;) {
            co_await by.say("0123456789");
            co_await weir::async_sleep_for(s.b.get_executor(), 1s);
        }
    };
    simulated_peers server(m.all, web, s.b, slow);
    m.expect_late("http://192.0.2.1/silent", request_options().first_byte_timeout(3s), 3s,
                  "phase response: first_byte_timeout of 3 s");
    m.expect_late("http://192.0.2.1/slow", request_options().least_speed(11, 10s), 10s,
                  "bytes in 10 s, least_speed is 11 a second");
    m.expect_late("http://192.0.2.1/slow", request_options().least_speed(8, 10s).total_timeout(35s),
                  35s, "phase body: total_timeout of 35 s");
    m.run();
}

BOOST_AUTO_TEST_CASE(a_single_exchange_has_limits_too)
{
    simulation s(1);
    machines m(s);
    simulated_peers server(m.all, web, s.b, [](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.head();
    });
    s.spawn([&]() -> asio::awaitable<void> {
        http::request ask(http::url::parse("http://192.0.2.1/").value());
        ask.options(request_options().first_byte_timeout(3s).total_timeout(60s));
        const auto began = s.world.now();
        const http::hop one = co_await m.client.step(std::move(ask), nullptr);
        BOOST_TEST((s.world.now() - began == 3s));
        BOOST_REQUIRE(one.answer.error.has_value());
        BOOST_TEST((one.answer.error->kind() == error_class::timeout));
        BOOST_REQUIRE(one.answer.attempts.size() == 1U);
        BOOST_TEST((one.answer.attempts.back().reached == phase::response));
        m.client.close_idle();
    });
    m.run();
}

BOOST_AUTO_TEST_CASE(the_whole_time_counts_waits_for_a_place_and_redirects)
{
    simulation s(1);
    machines m(s, http::client_options().per_host(1).max_redirects(100).requests(
                      request_options().total_timeout(5s)));
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            co_await weir::async_sleep_for(s.b.get_executor(), 1s);
            co_await by.say("HTTP/1.1 302 Go\r\nLocation: /on\r\nContent-Length: 0\r\n\r\n");
        }
    };
    simulated_peers server(m.all, web, s.b, script);
    m.expect_late("http://192.0.2.1/a", request_options(), 5s, "total_timeout of 5 s");
    m.expect_late("http://192.0.2.1/b", request_options().total_timeout(2500ms), 2500ms,
                  "total_timeout of 2.5 s");
    m.run();
}

BOOST_AUTO_TEST_CASE(a_good_answer_within_its_limits_is_not_touched)
{
    simulation s(1);
    machines m(s);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            co_await weir::async_sleep_for(s.b.get_executor(), 1s);
            co_await by.say(ok);
        }
    };
    simulated_peers server(m.all, web, s.b, script);
    s.spawn([&]() -> asio::awaitable<void> {
        request_options limits;
        limits.name_timeout(1s).connect_timeout(1s).first_byte_timeout(1001ms).total_timeout(2s);
        limits.least_speed(1, 1s);
        for (int i = 0; i < 2; ++i) {
            const auto answer = co_await m.get("http://192.0.2.1/", limits);
            BOOST_TEST(!answer.error);
            BOOST_TEST(answer.body == "ok");
        }
        m.client.close_idle();
    });
    m.run();
    BOOST_TEST((s.elapsed() == 2s)); // and no timer is left
}

BOOST_AUTO_TEST_CASE(a_request_with_limits_is_cancelled_like_any_other)
{
    simulation s(1);
    machines m(s);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> { co_await by.take(999); };
    simulated_peers server(m.all, web, s.b, script);
    asio::cancellation_signal stop;
    std::optional<http::response> answer;
    http::request ask(http::url::parse("http://192.0.2.1/").value());
    ask.options(request_options().total_timeout(1h));
    m.client.async_request(std::move(ask),
                           asio::bind_cancellation_slot(
                               stop.slot(), [&](http::response r) { answer = std::move(r); }));
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 1s);
        stop.emit(asio::cancellation_type::terminal);
    });
    m.run();
    BOOST_REQUIRE((answer && answer->error));
    BOOST_TEST((answer->error->kind() == error_class::aborted));
    BOOST_TEST(answer->attempts.size() == 1U);
    BOOST_TEST((answer->attempts.front().reached == phase::response));
    BOOST_TEST((s.elapsed() == 1s)); // no timer is left
}

BOOST_AUTO_TEST_CASE(every_attempt_is_recorded)
{
    simulation s(1);
    machines m(s);
    const auto dead = make_address("2001:db8::1");
    m.all.fail_server({dead, 80}, asio::error::connection_refused, 20ms);
    m.all.add_name("two.example", {dead, web.address()}, 10ms);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 302 Go\r\nLocation: /on\r\nContent-Length: 0\r\n\r\n");
        co_await by.head();
        co_await by.say(ok);
        co_await by.head(); // and closes, without an answer
    };
    simulated_peers server(m.all, web, s.b, script);
    s.spawn([&]() -> asio::awaitable<void> {
        const auto first = co_await m.get("http://two.example/", request_options());
        BOOST_REQUIRE(first.attempts.size() == 3U);
        const http::attempt& refused = first.attempts[0];
        BOOST_TEST((refused.address == weir::sim::network::endpoint(dead, 80)));
        BOOST_TEST((refused.reached == phase::connect));
        BOOST_REQUIRE(refused.error.has_value());
        BOOST_TEST((refused.error->code() == asio::error::connection_refused));
        BOOST_TEST((refused.ended == 30ms));
        for (const int i : {1, 2}) {
            const http::attempt& good = first.attempts[static_cast<std::size_t>(i)];
            BOOST_TEST((good.address == web));
            BOOST_TEST((good.reached == phase::done));
            BOOST_TEST(!good.error);
            BOOST_TEST(good.reused == (i == 2));
        }
        BOOST_TEST(first.attempts[2].received == ok.size());
        BOOST_TEST(first.attempts[2].sent > 50U);
        // The connection is lost; the request is made again on a new one.
        const auto again = co_await m.get("http://two.example/", request_options());
        BOOST_REQUIRE(again.attempts.size() == 3U);
        BOOST_TEST(again.attempts[0].reused);
        BOOST_TEST((again.attempts[0].reached == phase::response));
        BOOST_TEST(again.attempts[0].received == 0U);
        BOOST_REQUIRE(again.attempts[0].error.has_value());
        BOOST_TEST((again.attempts[0].error->kind() == error_class::incomplete));
        BOOST_TEST(!again.attempts[1].reused);
        BOOST_TEST((again.attempts[2].reached == phase::done));
        m.client.close_idle();
    });
    m.run();
}

BOOST_AUTO_TEST_CASE(of_many_attempts_the_last_are_kept)
{
    simulation s(1);
    machines m(s);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            co_await by.say("HTTP/1.1 302 Go\r\nLocation: /on\r\nContent-Length: 0\r\n\r\n");
        }
    };
    simulated_peers server(m.all, web, s.b, script);
    s.spawn([&]() -> asio::awaitable<void> {
        const auto answer =
            co_await m.get("http://192.0.2.1/", request_options().max_redirects(40));
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST((answer.error->kind() == error_class::redirect));
        BOOST_TEST(answer.attempts.size() == 32U);
        BOOST_TEST(answer.attempts.front().reused);
        m.client.close_idle();
    });
    m.run();
}

BOOST_AUTO_TEST_SUITE_END()
