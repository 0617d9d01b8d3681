// What is told about single exchanges, and what may be said against them.
#include <weir/http/client.hpp>
#include <weir/http/exchange_watcher.hpp>

#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/peer_scene.hpp"
#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using weir::test::peer_scene;
using weir::test::simulated_peer;
using weir::test::simulation;

namespace {

constexpr std::size_t size_of_body = 1000;

asio::awaitable<void> serve(simulated_peer& by)
{
    for (;;) {
        const std::string head = co_await by.head();
        if (head.find("GET /moved") == 0)
            co_await by.say("HTTP/1.1 302 Go\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
        else
            co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size_of_body) +
                            "\r\n\r\n" + std::string(size_of_body, 'b'));
    }
}

class noting final : public http::exchange_watcher {
public:
    explicit noting(simulation& s) : s_(s) {}

    void connected(const endpoint& address, line which) override
    {
        BOOST_TEST(address.address().to_string() == "192.0.2.1");
        lines.push_back(which);
    }
    void sent(std::string_view head) override { requests += head; }
    void received(std::string_view bytes) override
    {
        BOOST_TEST(bytes.size() <= part);
        got += bytes;
        owed += bytes.size();
    }
    std::optional<http::failure> refuses(const http::url& next) override
    {
        next_hop = next.str();
        if (!refuses_redirects)
            return std::nullopt;
        return http::failure(http::error_class::redirect, "not there");
    }
    std::size_t most_to_read() const override { return part; }
    bool wants_rest() const override { return paced && owed != 0; }
    asio::awaitable<void> rest() override // 100 bytes a second
    {
        const auto length = 10ms * owed;
        owed = 0;
        co_await weir::async_sleep_for(s_.a.get_executor(), length);
    }

    std::size_t part = 1'000'000;
    bool paced = false;
    bool refuses_redirects = false;
    std::vector<line> lines;
    std::string requests;
    std::string got;
    std::string next_hop;
    std::size_t owed = 0;

private:
    simulation& s_;
};

http::request ask(const std::string& target)
{
    return http::request(http::url::parse("http://192.0.2.1" + target).value());
}

/// One step, after which the test looks at what was noted.
struct watching : peer_scene {
    explicit watching(simulation& sim, http::client_options options = http::client_options())
        : peer_scene(sim, serve, weir::sim::stream_options(), std::move(options)),
          watcher(std::make_shared<noting>(sim))
    {
    }

    asio::awaitable<http::hop> step(std::string target)
    {
        const http::body_sink sink = [this](std::string_view part) {
            body += part;
            return weir::error_code();
        };
        http::request what = ask(target);
        co_return co_await client->step(std::move(what), nullptr, sink, watcher);
    }

    std::shared_ptr<noting> watcher;
    std::string body;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_watchers)

BOOST_AUTO_TEST_CASE(a_watcher_sees_requests_and_answers)
{
    simulation s(1);
    watching w(s);
    w.run([&]() -> asio::awaitable<void> {
        const http::hop first = co_await w.step("/moved");
        BOOST_TEST(first.next.has_value());
        BOOST_TEST(w.watcher->next_hop == "http://192.0.2.1/there");
        const http::hop second = co_await w.step("/there");
        BOOST_TEST(!second.answer.error);
    });
    using line = http::exchange_watcher::line;
    BOOST_TEST((w.watcher->lines == std::vector<line>{line::is_new, line::reused}));
    BOOST_TEST(w.watcher->requests.find("GET /moved HTTP/1.1\r\nHost: 192.0.2.1\r\n") == 0U);
    BOOST_TEST(w.watcher->requests.ends_with("\r\n\r\n"));
    BOOST_TEST(w.watcher->got == "HTTP/1.1 302 Go\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
                                 "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" +
                                     std::string(size_of_body, 'b'));
    BOOST_TEST(w.body == std::string(size_of_body, 'b'));
}

BOOST_AUTO_TEST_CASE(a_redirect_that_a_watcher_refuses_is_a_failure)
{
    simulation s(1);
    watching w(s);
    w.watcher->refuses_redirects = true;
    w.run([&]() -> asio::awaitable<void> {
        const http::hop moved = co_await w.step("/moved");
        BOOST_TEST(!moved.next);
        BOOST_REQUIRE(moved.answer.error.has_value());
        BOOST_TEST((moved.answer.error->kind() == http::error_class::redirect));
        BOOST_TEST(moved.answer.status == 302U);
    });
}

BOOST_AUTO_TEST_CASE(a_body_is_read_no_faster_than_its_watcher_rests_and_is_not_slow_for_that)
{
    simulation s(1);
    http::request_options limits;
    limits.least_speed(500, 2s); // more than the rests allow
    watching w(s, http::client_options().requests(limits));
    w.watcher->paced = true;
    w.watcher->part = 300;
    w.run([&]() -> asio::awaitable<void> {
        const auto began = s.world.now();
        const http::hop all = co_await w.step("/");
        BOOST_TEST(!all.answer.error);
        const auto took = s.world.now() - began;
        BOOST_TEST((took >= 10ms * size_of_body));
        BOOST_TEST((took < 10ms * (size_of_body + 100)));
    });
    BOOST_TEST(w.body.size() == size_of_body);
}

BOOST_AUTO_TEST_SUITE_END()
