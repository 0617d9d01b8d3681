// Bodies of responses that are taken at the receiver's pace, and bodies that are pulled.
#include <weir/http/body_receiver.hpp>
#include <weir/http/client.hpp>
#include <weir/http/open_response.hpp>

#include <weir/policy/timeout.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/peer_scene.hpp"
#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/errc.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using http::error_class;
using weir::sim::schedules;
using weir::sim::stream_options;
using weir::test::ends_early;
using weir::test::in_every_order;
using weir::test::in_many_orders;
using weir::test::peer_scene;
using weir::test::simulated_peer;
using weir::test::simulation;

namespace {

// Its server sends a body of a thousand numbers.
struct downloads : peer_scene {
    explicit downloads(simulation& sim, const stream_options& how = stream_options(),
                       http::client_options options = http::client_options())
        : peer_scene(
              sim, [this](simulated_peer& by) { return serve(by); }, how, std::move(options))
    {
        for (int i = 0; i < 1000; ++i)
            body += std::to_string(i);
    }

    asio::awaitable<void> serve(simulated_peer& by)
    {
        for (;;) {
            const std::string head = co_await by.head();
            if (head.find("GET /moved") == 0)
                co_await by.say(
                    "HTTP/1.1 302 Go\r\nLocation: /there\r\nContent-Length: 3\r\n\r\nold");
            else
                co_await send_body(by, head.find("GET /cut") == 0);
        }
    }

    asio::awaitable<void> send_body(simulated_peer& by, bool cut)
    {
        co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n");
        for (std::size_t at = 0; at < body.size(); at += 100) {
            co_await by.say(body.substr(at, 100));
            sent = at;
            if (cut)
                by.line().close();
        }
    }

    std::string body;
    std::size_t sent = 0;
};

http::request ask(const std::string& target)
{
    return http::request(http::url::parse("http://192.0.2.1" + target).value());
}

// Takes its time, and notes what it was given.
class slow_receiver final : public http::body_receiver {
public:
    explicit slow_receiver(simulation& s) : s_(s) {}

    asio::awaitable<weir::error_code> begin(std::uint64_t offset,
                                            const http::response& head) override
    {
        BOOST_TEST(offset == 0U);
        BOOST_TEST(head.status == 200U);
        ++begun;
        co_await weir::async_sleep_for(s_.a.get_executor(), pause);
        co_return refuses_at == 0U ? full() : weir::error_code();
    }
    asio::awaitable<weir::error_code> write(std::string_view part) override
    {
        BOOST_TEST(++busy == 1); // one call at a time
        const std::string before(part);
        co_await weir::async_sleep_for(s_.a.get_executor(), pause);
        --busy;
        BOOST_TEST(part == before); // it stays valid
        if (throws)
            throw std::runtime_error("no tape");
        got += part;
        co_return got.size() >= refuses_at ? full() : weir::error_code();
    }
    asio::awaitable<weir::error_code> end() override
    {
        ++ended;
        co_return weir::error_code();
    }

    weir::duration pause = 1ms;
    std::size_t refuses_at = 1'000'000;
    bool throws = false;
    std::string got;
    int begun = 0;
    int ended = 0;
    int busy = 0;

private:
    static weir::error_code full()
    {
        return boost::system::errc::make_error_code(boost::system::errc::no_space_on_device);
    }

    simulation& s_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_receivers)

BOOST_AUTO_TEST_CASE(the_body_of_a_redirect_is_waited_for_a_second)
{
    for (const int parts : {0, 1, 100}) { // of a body of 9 bytes, 300 ms apart
        simulation s(1);
        const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
            for (;;) {
                const std::string head = co_await by.head();
                if (head.find("GET /b") == 0) {
                    co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
                    continue;
                }
                co_await by.say("HTTP/1.1 302 Go\r\nLocation: /b\r\nContent-Length: 9\r\n\r\n");
                for (int i = 0; i < parts; ++i) {
                    co_await weir::async_sleep_for(s.b.get_executor(), 300ms);
                    co_await by.say(parts == 1 ? "the whole" : ".");
                }
            }
        };
        peer_scene scene(s, script);
        scene.run([&]() -> asio::awaitable<void> {
            const auto answer = co_await scene.client->async_request(ask("/a"));
            BOOST_TEST(!answer.error);
            BOOST_TEST(answer.body == "here");
        });
        BOOST_TEST(scene.peers.connections == (parts == 1 ? 1U : 2U));
        BOOST_TEST((s.elapsed() < 3s));
    }
}

BOOST_AUTO_TEST_CASE(a_receiver_gets_the_body_at_its_pace)
{
    in_many_orders(
        [](simulation& s) {
            downloads d(s, stream_options().delay(0ms, 3ms).buffer(300));
            slow_receiver to(s);
            d.run([&]() -> asio::awaitable<void> {
                const auto answer = co_await d.client->async_request_into(ask("/moved"), to);
                BOOST_TEST(!answer.error);
                BOOST_TEST(answer.bytes == d.body.size());
                BOOST_TEST(answer.body.empty());
            });
            BOOST_TEST(to.got == d.body);
            BOOST_TEST(to.begun == 1);
            BOOST_TEST(to.ended == 1);
        },
        30);
}

// What the server can send ahead is what the connection buffers.
BOOST_AUTO_TEST_CASE(while_a_receiver_waits_the_connection_is_not_read)
{
    simulation s(1);
    downloads d(s, stream_options().buffer(200));
    slow_receiver to(s);
    to.pause = 1h;
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 30min);
        BOOST_TEST(to.begun == 1);
        BOOST_TEST(d.sent < 700U);
    });
    d.run([&]() -> asio::awaitable<void> {
        const auto answer = co_await d.client->async_request_into(ask("/"), to);
        BOOST_TEST(!answer.error);
    });
    BOOST_TEST(to.got == d.body);
}

BOOST_AUTO_TEST_CASE(what_a_receiver_refuses_is_an_error_of_storing)
{
    for (const std::string how : {"begin", "write", "throws"}) {
        simulation s(1);
        downloads d(s);
        slow_receiver to(s);
        to.refuses_at = how == "begin" ? 0 : how == "write" ? 500 : 1'000'000;
        to.throws = how == "throws";
        d.run([&]() -> asio::awaitable<void> {
            const auto answer = co_await d.client->async_request_into(ask("/"), to);
            BOOST_REQUIRE(answer.error.has_value());
            BOOST_TEST((answer.error->kind() == error_class::io));
            const auto& text = answer.error->text();
            BOOST_TEST(text.find(how == "throws" ? "no tape" : "No space left") !=
                           std::string::npos,
                       text);
        });
        BOOST_TEST(to.ended == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_body_that_is_cut_off_has_no_end)
{
    simulation s(1);
    downloads d(s);
    slow_receiver to(s);
    d.run([&]() -> asio::awaitable<void> {
        const auto answer = co_await d.client->async_request_into(ask("/cut"), to);
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST((answer.error->kind() == error_class::incomplete));
    });
    BOOST_TEST(to.got == d.body.substr(0, 100));
    BOOST_TEST(to.ended == 0);
}

// Two of three connections keep a part for their receivers; the third waits for room.
BOOST_AUTO_TEST_CASE(so_many_parts_are_held_and_no_more)
{
    simulation s(1);
    downloads d(s, stream_options(), http::client_options().max_held_bodies(2));
    std::vector<std::unique_ptr<slow_receiver>> all;
    int busy = 0, done = 0;
    for (int i = 0; i < 3; ++i) {
        all.push_back(std::make_unique<slow_receiver>(s));
        all.back()->pause = 1h;
        s.spawn([&, to = all.back().get()]() -> asio::awaitable<void> {
            const auto answer = co_await d.client->async_request_into(ask("/"), *to);
            BOOST_TEST(!answer.error);
            BOOST_TEST(to->got == d.body);
            if (++done == 3)
                d.client->close_idle();
        });
    }
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 30min);
        for (const auto& each : all)
            busy += each->begun;
    });
    s.run();
    BOOST_TEST(busy == 2);
    BOOST_TEST(done == 3);
    BOOST_TEST(d.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(a_body_is_pulled_part_by_part)
{
    in_many_orders(
        [](simulation& s) {
            downloads d(s, stream_options().delay(0ms, 3ms).buffer(300));
            d.run([&]() -> asio::awaitable<void> {
                auto open = co_await d.client->async_open(ask("/moved"));
                BOOST_TEST(open.answer().status == 200U);
                BOOST_TEST(open.answer().fields["Content-Length"] == std::to_string(d.body.size()));
                std::string got;
                for (;;) {
                    const std::string_view part = co_await open.next();
                    if (part.empty())
                        break;
                    got += part;
                    co_await weir::async_sleep_for(s.a.get_executor(), 1ms);
                }
                BOOST_TEST(got == d.body);
                BOOST_TEST(!open.answer().error);
                BOOST_TEST(open.answer().bytes == d.body.size());
                BOOST_TEST((co_await open.next()).empty());
            });
        },
        30);
}

BOOST_AUTO_TEST_CASE(a_pulled_body_says_why_it_ended)
{
    simulation s(1);
    downloads d(s);
    d.run([&]() -> asio::awaitable<void> {
        auto cut = co_await d.client->async_open(ask("/cut"), asio::use_awaitable);
        BOOST_TEST(!cut.answer().error);
        BOOST_TEST((co_await cut.next()) == d.body.substr(0, 100));
        BOOST_TEST((co_await cut.next()).empty());
        BOOST_REQUIRE(cut.answer().error.has_value());
        BOOST_TEST((cut.answer().error->kind() == error_class::incomplete));
        http::request refused(http::url::parse("http://192.0.2.1:81/").value());
        auto none = co_await d.client->async_open(std::move(refused));
        BOOST_REQUIRE(none.answer().error.has_value());
        BOOST_TEST((none.answer().error->kind() == error_class::connect));
        BOOST_TEST((co_await none.next()).empty());
    });
}

BOOST_AUTO_TEST_CASE(a_response_that_is_dropped_gives_its_connection_back)
{
    simulation s(1);
    downloads d(s, stream_options().buffer(300));
    d.run([&]() -> asio::awaitable<void> {
        {
            auto open = co_await d.client->async_open(ask("/"));
            BOOST_TEST(!(co_await open.next()).empty());
            BOOST_TEST(d.client->connections() == 1U);
        }
        co_await weir::async_sleep_for(s.a.get_executor(), 1ms);
        BOOST_TEST(d.client->connections() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(a_response_may_be_dropped_while_its_next_part_is_waited_for)
{
    in_many_orders(
        [](simulation& s) {
            downloads d(s, stream_options().delay(1s, 1s).buffer(1000));
            std::optional<http::open_response> open;
            bool waiting = false;
            std::optional<std::size_t> got;
            s.spawn([&]() -> asio::awaitable<void> {
                while (!waiting)
                    co_await weir::async_sleep_for(s.a.get_executor(), 100ms);
                open.reset();
            });
            d.run([&]() -> asio::awaitable<void> {
                open.emplace(co_await d.client->async_open(ask("/")));
                waiting = true;
                for (;;) {
                    auto next = open->next();
                    const std::string_view part = co_await std::move(next);
                    if (!open || part.empty()) {
                        got = part.size();
                        break;
                    }
                }
            });
            BOOST_TEST((got == std::size_t{0}));
        },
        30);
}

BOOST_AUTO_TEST_CASE(a_part_is_for_one_call)
{
    simulation s(1);
    downloads d(s, stream_options().delay(1s, 1s).buffer(1000));
    d.run([&]() -> asio::awaitable<void> {
        auto open = co_await d.client->async_open(ask("/"));
        int refused = 0;
        const auto other = [&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 1ms);
            try {
                co_await open.next();
            } catch (const std::logic_error&) {
                ++refused;
            }
        };
        s.spawn(other);
        std::string got;
        for (;;) {
            const std::string_view part = co_await open.next();
            if (part.empty())
                break;
            got += part;
        }
        BOOST_TEST(got == d.body);
        BOOST_TEST(refused == 1);
    });
}

BOOST_AUTO_TEST_CASE(a_wait_for_a_part_can_be_cancelled_and_made_again)
{
    simulation s(1);
    downloads d(s, stream_options().delay(1s, 1s).buffer(1000));
    d.run([&]() -> asio::awaitable<void> {
        auto open = co_await d.client->async_open(ask("/"));
        std::string got;
        int late = 0;
        for (bool over = false; !over;) {
            try {
                const auto part = co_await weir::with_timeout(100ms, open.next());
                got += part;
                over = part.empty();
            } catch (const weir::system_error&) {
                ++late;
            }
        }
        BOOST_TEST(late > 0);
        BOOST_TEST(got == d.body);
    });
}

// Cancelled, or the connection lost, at every step.
BOOST_AUTO_TEST_CASE(a_download_ends_once_whatever_happens_to_it)
{
    for (const ends_early how : {ends_early::cancelled, ends_early::connection_lost})
        in_every_order(
            [how](simulation& s) {
                downloads d(s);
                d.body.resize(150);
                slow_receiver to(s);
                const auto answer = d.end_at_some_step(how, [&](auto handler) {
                    d.client->async_request_into(ask("/"), to, std::move(handler));
                });
                BOOST_REQUIRE((answer.error || to.got == d.body));
                BOOST_REQUIRE(to.ended == (answer.error ? 0 : 1));
            },
            schedules::delayed(1));
}

BOOST_AUTO_TEST_SUITE_END()
