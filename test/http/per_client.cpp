// The limit of a client's exchanges, over all origins.
#include <weir/http/body_receiver.hpp>
#include <weir/http/client.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_client.hpp"
#include "http/support/simulated_peer.hpp"
#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using asio::ip::make_address;
using asio::ip::tcp;
using http::client_options;
using http::error_class;
using weir::sim::schedules;
using weir::sim::stream_options;
using weir::test::in_every_order;
using weir::test::in_many_orders;
using weir::test::machines;
using weir::test::ok;
using weir::test::simulated_answer;
using weir::test::simulated_peer;
using weir::test::simulated_peers;
using weir::test::simulated_server;
using weir::test::simulation;
using weir::test::target_of;

namespace {

tcp::endpoint host(int n)
{
    return {make_address("192.0.2." + std::to_string(n)), 80};
}

std::string at(int n, const std::string& target)
{
    return "http://192.0.2." + std::to_string(n) + target;
}

/// Requests that can be cancelled. Each must end once, and, unless it was cancelled, well.
struct requests {
    requests(simulation& sim, client_options options) : s(sim), m(sim, std::move(options)) {}

    void start(std::string url)
    {
        const std::size_t i = ends.size();
        ends.push_back(0);
        stops.push_back(std::make_unique<asio::cancellation_signal>());
        s.spawn([this, i, url]() -> asio::awaitable<void> {
            auto token = asio::bind_cancellation_slot(stops[i]->slot(), asio::use_awaitable);
            auto asking = m.client->async_get(url, token);
            const http::response answer = co_await std::move(asking);
            ++ends[i];
            if (answer.error)
                BOOST_REQUIRE((answer.error->kind() == error_class::aborted));
            good += answer.error ? 0 : 1;
        });
    }
    void cancel(std::size_t i)
    {
        s.a.at_some_step([this, i] { stops[i]->emit(asio::cancellation_type::terminal); });
    }
    /// Lets all end. Then every place must be free.
    void finish(const std::vector<std::string>& again)
    {
        s.world.run();
        BOOST_REQUIRE((ends == std::vector<int>(ends.size(), 1)));
        BOOST_REQUIRE(m.client->connections() == m.client->idle());
        good = 0;
        for (const std::string& url : again)
            start(url);
        s.world.run();
        BOOST_REQUIRE(good == again.size());
        m.client->close_idle();
        s.run();
        BOOST_REQUIRE(m.all.descriptors() == 0U);
    }

    simulation& s;
    machines m;
    std::vector<std::unique_ptr<asio::cancellation_signal>> stops;
    std::vector<int> ends;
    std::size_t good = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_per_client)

BOOST_AUTO_TEST_CASE(so_many_exchanges_run_at_a_time_over_all_origins)
{
    in_many_orders([](simulation& s) {
        // Each connection is closed after its exchange, so there is one for each of them.
        machines m(s, client_options().per_client(3).per_host(2).max_idle(0));
        std::size_t most = 0;
        const auto answer = [&](const std::string& target) {
            most = std::max(most, m.all.descriptors());
            return ok(target);
        };
        const auto slow = stream_options().delay(0ms, 20ms);
        simulated_server servers[] = {{m.all, host(1), s.b, answer, slow},
                                      {m.all, host(2), s.b, answer, slow},
                                      {m.all, host(3), s.b, answer, slow}};
        for (int i = 0; i < 12; ++i)
            m.expect(at(1 + i % 3, "/x"), std::nullopt, "/x");
        s.run();
        BOOST_TEST(most == 3U);
        BOOST_TEST(servers[0].answered == 4U);
    });
}

BOOST_AUTO_TEST_CASE(what_waits_for_its_origin_takes_no_place_from_others)
{
    simulation s(1);
    machines m(s, client_options().per_client(2).per_host(1));
    // A second for each answer.
    simulated_server slow(m.all, host(1), s.b, target_of, stream_options().delay(500ms, 500ms));
    simulated_server fast(m.all, host(2), s.b, target_of);
    for (int i = 1; i <= 5; ++i)
        m.expect(at(1, "/slow"), std::nullopt, "this is /slow");
    for (int i = 0; i < 5; ++i)
        m.expect(at(2, "/fast"), std::nullopt, "this is /fast", 0s);
    s.run();
    BOOST_TEST((s.elapsed() >= 5s));
}

BOOST_AUTO_TEST_CASE(origins_take_turns_for_the_places)
{
    simulation s(1);
    machines m(s, client_options().per_client(1));
    std::string order;
    const auto told = [&](const std::string& target) {
        order += target;
        return ok("");
    };
    const auto slow = stream_options().delay(500ms, 500ms);
    simulated_server one(m.all, host(1), s.b, told, slow);
    simulated_server other(m.all, host(2), s.b, told, slow);
    s.spawn([&]() -> asio::awaitable<void> {
        for (const char* each : {"/a", "/b", "/c", "/d", "/z"}) {
            m.expect(at(each[1] == 'z' ? 2 : 1, each), std::nullopt, "");
            co_await weir::async_sleep_for(s.a.get_executor(), 1ms, asio::use_awaitable);
        }
    });
    s.run();
    BOOST_TEST(order == "/a/b/z/c/d");
}

BOOST_AUTO_TEST_CASE(a_failure_gives_its_place_back)
{
    simulation s(1);
    machines m(s, client_options().per_client(1).connect_timeout(5s));
    m.all.silence_server(host(1));
    simulated_server cut(m.all, host(3), s.b, [](const std::string&) {
        return simulated_answer{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true};
    });
    simulated_server good(m.all, host(4), s.b, target_of);
    m.expect(at(1, "/"), error_class::timeout, "");    // silent
    m.expect(at(3, ":81/"), error_class::connect, ""); // nobody listens
    m.expect(at(3, "/"), error_class::incomplete, "abc");
    m.expect(at(4, "/"), std::nullopt, "this is /");
    s.run();
    BOOST_TEST((s.elapsed() == 5s));
    BOOST_TEST(m.all.descriptors() == 0U);
}

// With one place, none could go on that keeps its own meanwhile.
BOOST_AUTO_TEST_CASE(redirects_wait_for_a_place_like_any_other)
{
    in_many_orders([](simulation& s) {
        machines m(s, client_options().per_client(1).max_idle(0));
        std::size_t most = 0;
        const auto redirects = [&](const std::string& target) {
            most = std::max(most, m.all.descriptors());
            return simulated_answer{"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " +
                                        at(2, target) + "\r\n\r\n",
                                    false};
        };
        const auto answers = [&](const std::string& target) {
            most = std::max(most, m.all.descriptors());
            return ok(target);
        };
        simulated_server first(m.all, host(1), s.b, redirects);
        simulated_server second(m.all, host(2), s.b, answers);
        for (const char* each : {"/a", "/b", "/c"})
            m.expect(at(1, each), std::nullopt, each);
        s.run();
        BOOST_TEST(most == 1U);
        BOOST_TEST(second.answered == 3U);
    });
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_body_waits_for_a_place_too)
{
    class file final : public http::body_receiver {
    public:
        asio::awaitable<weir::error_code> begin(std::uint64_t, const http::response&) override
        {
            co_return weir::error_code();
        }
        asio::awaitable<weir::error_code> write(std::string_view part) override
        {
            got += part;
            co_return weir::error_code();
        }
        bool accepts_offset() const override { return true; }
        std::string got;
    };
    simulation s(1);
    machines m(s, client_options().per_client(1));
    int connections = 0;
    const auto serve = [&](simulated_peer& by) -> asio::awaitable<void> {
        const std::string head = co_await by.head();
        const std::string whole = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 4\r\n\r\n01";
        const std::string rest = "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\n"
                                 "Content-Range: bytes 2-3/4\r\nContent-Length: 2\r\n\r\n23";
        const std::string said = connections++ == 0 ? whole : rest;
        co_await by.say(said);
    };
    simulated_peers peers(m.all, host(1), s.b, serve);
    file to;
    s.spawn([&]() -> asio::awaitable<void> {
        auto asking =
            m.client->async_request_into(http::request(http::url::parse(at(1, "/")).value()), to);
        const http::response answer = co_await std::move(asking);
        BOOST_TEST(!answer.error);
        BOOST_TEST(to.got == "0123");
        m.client->close_idle();
    });
    s.run();
    BOOST_TEST(connections == 2);
}

BOOST_AUTO_TEST_CASE(cancelled_requests_lose_and_invent_no_place)
{
    in_many_orders([](simulation& s) {
        requests all(s, client_options().per_client(2).per_host(1));
        const auto slow = stream_options().delay(0ms, 20ms);
        simulated_server one(all.m.all, host(1), s.b, target_of, slow);
        simulated_server two(all.m.all, host(2), s.b, target_of, slow);
        simulated_server three(all.m.all, host(3), s.b, target_of, slow);
        for (int i = 0; i < 9; ++i)
            all.start(at(1 + i % 3, "/x"));
        for (const std::size_t i : {0U, 1U, 3U, 5U, 8U})
            all.cancel(i);
        all.finish({at(1, "/"), at(2, "/"), at(3, "/")});
    });
}

BOOST_AUTO_TEST_CASE(two_origins_at_one_place_in_every_order)
{
    for (std::size_t cancelled : {0U, 1U})
        in_every_order(
            [cancelled](simulation& s) {
                requests all(s, client_options().per_client(1));
                simulated_server one(all.m.all, host(1), s.b, target_of);
                simulated_server two(all.m.all, host(2), s.b, target_of);
                all.start(at(1, "/a"));
                all.start(at(2, "/b"));
                all.cancel(cancelled);
                all.finish({at(1, "/"), at(2, "/")});
            },
            schedules::delayed(1));
}

BOOST_AUTO_TEST_SUITE_END()
