// The record of what a fetch tried, over its redirects.
#include <weir/http/fetcher.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using weir::test::simulated_peer;
using weir::test::simulated_peers;
using weir::test::simulation;

BOOST_AUTO_TEST_SUITE(http_fetch_attempts)

// Redirects so many times, each after 100 ms.
http::fetch_result fetch_redirected(simulation& s, int times)
{
    weir::sim::network all(s.world);
    int asked = 0;
    const auto redirects = [&](simulated_peer& by) -> asio::awaitable<void> {
        const auto executor = s.b.get_executor();
        for (;;) {
            co_await by.head();
            co_await weir::async_sleep_for(executor, 100ms, asio::use_awaitable);
            std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            if (asked++ < times)
                reply = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /" +
                        std::to_string(asked) + "\r\n\r\n";
            co_await by.say(std::move(reply));
        }
    };
    const weir::sim::network::endpoint web(asio::ip::make_address("10.0.0.1"), 80);
    simulated_peers server(all, web, s.b, redirects);
    http::fetcher_options options;
    options.client(http::client_options().max_redirects(100));
    http::fetcher fetches(s.a.get_executor(), options, nullptr,
                          std::make_shared<http::simulated_network>(s.a, all));
    std::optional<http::fetch_result> result;
    s.spawn([&]() -> asio::awaitable<void> {
        bool given = false;
        const auto one = [&]() -> asio::awaitable<std::optional<std::string>> {
            if (std::exchange(given, true))
                co_return std::nullopt;
            co_return "http://10.0.0.1/";
        };
        const auto note = [&](http::fetch_result r) -> asio::awaitable<void> {
            result.emplace(std::move(r));
            co_return;
        };
        co_await fetches.run(one, note);
    });
    s.world.run();
    BOOST_REQUIRE(result.has_value());
    return std::move(*result);
}

BOOST_AUTO_TEST_CASE(attempts_count_from_the_beginning_of_the_request)
{
    simulation s(1);
    const auto result = fetch_redirected(s, 4);
    BOOST_TEST(result.redirects == 4U);
    BOOST_TEST_REQUIRE(result.answer.attempts.size() == 5U);
    for (int n = 0; n < 5; ++n) {
        const http::attempt& each = result.answer.attempts.at(static_cast<std::size_t>(n));
        BOOST_TEST((each.began >= n * 100ms && each.began < n * 100ms + 50ms));
        BOOST_TEST((each.ended >= (n + 1) * 100ms));
    }
}

BOOST_AUTO_TEST_CASE(the_last_attempts_are_kept)
{
    simulation s(1);
    const auto result = fetch_redirected(s, 45);
    BOOST_TEST(result.redirects == 45U);
    BOOST_TEST_REQUIRE(result.answer.attempts.size() == 32U);
    BOOST_TEST((result.answer.attempts.back().began >= 4500ms));
}

BOOST_AUTO_TEST_SUITE_END()
