// Fetches that give their place to another host, at awkward moments.
#include <weir/http/fetcher.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/run/blocking_lane.hpp>
#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_peer.hpp"
#include "support/repeats.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using http::error_class;
using weir::test::in_many_orders;
using weir::test::repeats;
using weir::test::simulated_peer;
using weir::test::simulated_peers;
using weir::test::simulation;

namespace {

asio::awaitable<void> answers(simulated_peer& by)
{
    for (;;) {
        co_await by.head();
        co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

asio::awaitable<void> says_nothing(simulated_peer& by)
{
    co_await by.head();
    co_await by.some();
}

std::string url_of(int host, const std::string& name)
{
    return "http://10.0.0." + std::to_string(host) + "/" + name;
}

// A fetcher of four places. Hosts below 100 are slow, the others answer at once.
struct scene {
    scene(simulation& sim, const simulated_peers::script& slow, http::body_factory bodies = nullptr,
          const std::string& method = "GET")
        : s(sim), all(sim.world)
    {
        const auto add = [&](int host, const simulated_peers::script& does) {
            const auto address = asio::ip::make_address("10.0.0." + std::to_string(host));
            servers.push_back(std::make_unique<simulated_peers>(
                all, weir::sim::network::endpoint(address, 80), s.b, does));
        };
        for (int host = 1; host <= 8; ++host)
            add(host, slow);
        for (int host = 100; host <= 120; ++host)
            add(host, answers);
        const auto lane = std::make_shared<weir::blocking_lane>(s.a.get_executor(), 1);
        http::fetcher_options options;
        options.method(method).jobs(4).timeout(30s).spill(http::spill_options().lane(lane));
        fetches.emplace(s.a.get_executor(), options, std::move(bodies),
                        std::make_shared<http::simulated_network>(s.a, all));
    }

    void run(const http::fetcher::source& urls)
    {
        s.spawn([&]() -> asio::awaitable<void> {
            const auto note = [&](http::fetch_result r) -> asio::awaitable<void> {
                ++results[r.url];
                if (r.answer.error && r.answer.error->kind() != error_class::timeout)
                    BOOST_ERROR(r.url << ": " << r.answer.error->text());
                co_return;
            };
            co_await fetches->run(urls, note);
        });
        s.world.run();
    }

    asio::awaitable<void> sleep(weir::duration length)
    {
        return weir::async_sleep_for(s.a.get_executor(), length, asio::use_awaitable);
    }

    simulation& s;
    weir::sim::network all;
    std::vector<std::unique_ptr<simulated_peers>> servers;
    std::optional<http::fetcher> fetches;
    std::map<std::string, int> results;
};

class counted final : public http::body {
public:
    explicit counted(std::size_t& bytes) : bytes_(bytes) {}
    weir::error_code write(std::string_view part) override
    {
        bytes_ += part.size();
        return weir::error_code();
    }

private:
    std::size_t& bytes_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_gives_way)

BOOST_AUTO_TEST_CASE(one_that_gives_way_before_it_began_is_fetched_later)
{
    in_many_orders(
        [](simulation& s) {
            scene x(s, says_nothing);
            int n = 0;
            x.run([&]() -> asio::awaitable<std::optional<std::string>> {
                ++n;
                if (n <= 8)
                    co_return url_of(n, "a");
                if (n == 9)
                    co_await x.sleep(2s);
                if (n <= 10)
                    co_return url_of(91 + n, "g"); // the slow ones give way
                if (n == 11)
                    co_await x.sleep(40s);
                if (n <= 18)
                    co_return url_of(n - 10, "b"); // they have all places, and nobody else waits
                if (n <= 24)
                    co_return url_of(83 + n, "h"); // in the same turn others do
                co_return std::nullopt;
            });
            BOOST_TEST(x.results.size() == 24U);
            for (const auto& [url, times] : x.results)
                BOOST_TEST(times == 1, url);
        },
        repeats(200));
}

// Its server may act on it, and would do so twice; or it has begun to answer.
BOOST_AUTO_TEST_CASE(what_must_not_be_made_twice_and_what_has_an_answer_gives_no_way)
{
    for (const bool answered : {false, true}) {
        simulation s(1);
        int asked = 0;
        const auto slow = [&](simulated_peer& by) -> asio::awaitable<void> {
            const auto executor = s.b.get_executor();
            co_await by.head();
            ++asked;
            if (answered)
                co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
            co_await weir::async_sleep_for(executor, 20s, asio::use_awaitable);
            co_await by.say(answered ? "ok" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        };
        scene x(s, slow, nullptr, answered ? "GET" : "POST");
        int n = 0;
        x.run([&]() -> asio::awaitable<std::optional<std::string>> {
            ++n;
            if (n <= 4)
                co_return url_of(n, "a");
            if (n == 5)
                co_await x.sleep(2s);
            if (n <= 12)
                co_return url_of(100 + n, "g"); // which want places
            co_return std::nullopt;
        });
        BOOST_TEST(asked == 4);
        BOOST_TEST(x.results.size() == 12U);
    }
}

BOOST_AUTO_TEST_CASE(what_comes_after_that_is_not_stored)
{
    in_many_orders(
        [](simulation& s) {
            std::map<std::string, std::vector<std::unique_ptr<std::size_t>>> stored;
            const auto late = [&s](simulated_peer& by) -> asio::awaitable<void> {
                const auto executor = s.b.get_executor();
                co_await by.head();
                co_await weir::async_sleep_for(executor, 2s, asio::use_awaitable);
                co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf.");
                co_await weir::async_sleep_for(executor, 1s, asio::use_awaitable);
                co_await by.say("whole");
                co_await by.some();
            };
            scene x(s, late, [&](const http::url& target) {
                auto& bodies = stored[target.str()];
                bodies.push_back(std::make_unique<std::size_t>(0));
                return std::make_shared<counted>(*bodies.back());
            });
            int n = 0;
            x.run([&]() -> asio::awaitable<std::optional<std::string>> {
                ++n;
                if (n <= 4)
                    co_return url_of(n, "a");
                if (n == 5)
                    co_await x.sleep(2s); // just when the first bytes come
                if (n <= 12)
                    co_return url_of(100 + n, "g");
                co_return std::nullopt;
            });
            for (const auto& [url, bodies] : stored)
                for (const auto& bytes : bodies)
                    BOOST_TEST((*bytes == 0 || *bytes == 2 || *bytes == 10), url << ": " << *bytes);
        },
        repeats(200));
}

BOOST_AUTO_TEST_SUITE_END()
