// Requests with bodies, in simulation.
#include <weir/http/client.hpp>
#include <weir/http/request_body.hpp>

#include <weir/time/sleep.hpp>

#include "http/support/peer_scene.hpp"
#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
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
using http::request_body;
using weir::sim::schedules;
using weir::sim::stream_options;
using weir::test::ends_early;
using weir::test::in_every_order;
using weir::test::in_many_orders;
using weir::test::peer_scene;
using weir::test::simulated_peer;
using weir::test::simulation;

namespace {

const std::string done = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";

struct uploads : peer_scene {
    using peer_scene::peer_scene;

    asio::awaitable<http::response> send(const std::string& method, request_body content,
                                         const std::string& target = "/")
    {
        http::request ask(http::url::parse("http://192.0.2.1" + target).value(), method);
        ask.header("Content-Type", "text/x").body(std::move(content));
        return client->async_request(std::move(ask), asio::use_awaitable);
    }
};

// Gives the bytes of a text a few at a time, and says what was asked of it.
class text_source final : public http::body_source {
public:
    explicit text_source(std::string text) : text_(std::move(text)) {}

    asio::awaitable<std::size_t> read(char* to, std::size_t size) override
    {
        if (fails)
            throw std::runtime_error("the tape is torn");
        if (const auto call = std::exchange(on_begin, nullptr))
            call();
        if (slow_on)
            co_await weir::async_sleep_for(slow_on, 1s, asio::use_awaitable);
        const auto n = std::min({size, part, text_.size() - given});
        text_.copy(to, n, given);
        given += n;
        co_return n;
    }
    std::optional<std::uint64_t> length() const override
    {
        if (is_sealed)
            throw std::runtime_error("the tape is sealed");
        return says;
    }
    bool can_rewind() const override { return rewinds; }
    void rewind() override
    {
        ++rewound;
        if (std::exchange(is_stuck, false))
            throw std::runtime_error("the tape is stuck");
        given = 0;
    }

    std::function<void()> on_begin;
    asio::any_io_executor slow_on; // where it waits for a second each time, if anywhere
    std::size_t part = 7;
    std::size_t given = 0;
    std::optional<std::uint64_t> says;
    bool rewinds = false;
    bool is_stuck = false; // once
    bool fails = false;
    bool is_sealed = false; // nobody can say how long it is
    int rewound = 0;

private:
    std::string text_;
};

// A file for the time of a test.
class file {
public:
    explicit file(const std::string& content)
    {
        std::ofstream(name).write(content.data(), static_cast<std::streamsize>(content.size()));
    }
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    ~file() { std::remove(name.c_str()); }

    const std::string name = "weir_test_upload.bin";
};

bool has_line(const std::string& head, const std::string& line)
{
    return head.find("\r\n" + line + "\r\n") != std::string::npos;
}

void expect_error(const http::response& answer, error_class kind, const std::string& words)
{
    BOOST_REQUIRE(answer.error.has_value());
    BOOST_TEST(name(answer.error->kind()) == name(kind));
    BOOST_TEST(answer.error->text().find(words) != std::string::npos, answer.error->text());
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_uploads)

BOOST_AUTO_TEST_CASE(a_body_of_known_length_arrives_however_the_connection_cuts_it)
{
    const std::string content(300, 'y');
    const file stored(content);
    in_many_orders(
        [&](simulation& s) {
            std::vector<std::string> heads, bodies;
            const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
                for (;;) {
                    heads.push_back(co_await by.head());
                    bodies.push_back(co_await by.take(content.size()));
                    co_await by.say(done);
                }
            };
            uploads u(s, script, stream_options().delay(1ms, 50ms).chunk(9).buffer(40));
            const auto source = std::make_shared<text_source>(content);
            source->says = content.size();
            u.run([&]() -> asio::awaitable<void> {
                for (const auto& body :
                     {request_body::text(content), request_body::file(stored.name),
                      request_body::from(source)}) {
                    const auto answer = co_await u.send("POST", body);
                    BOOST_TEST(!answer.error);
                    BOOST_TEST(answer.body == "done");
                }
            });
            BOOST_TEST(bodies == std::vector<std::string>(3, content));
            for (const auto& head : heads)
                BOOST_TEST(has_line(head, "Content-Length: 300"));
            BOOST_TEST(u.peers.connections == 1U);
        },
        30);
}

BOOST_AUTO_TEST_CASE(a_body_of_unknown_length_goes_in_chunks)
{
    simulation s(1);
    std::string head, wire;
    uploads u(s, [&](simulated_peer& by) -> asio::awaitable<void> {
        head = co_await by.head();
        co_await by.say("HTTP/1.1 100 Continue\r\n\r\n");
        wire = co_await by.take_chunks();
        co_await by.say(done);
    });
    u.run([&]() -> asio::awaitable<void> {
        const auto source = std::make_shared<text_source>("one and a half");
        source->part = 10;
        const auto answer = co_await u.send("PUT", request_body::from(source));
        BOOST_TEST(answer.body == "done");
    });
    BOOST_TEST(has_line(head, "Transfer-Encoding: chunked"));
    BOOST_TEST(has_line(head, "Expect: 100-continue"));
    BOOST_TEST(head.find("Content-Length") == std::string::npos);
    BOOST_TEST(wire == "a\r\none and a \r\n4\r\nhalf\r\n0\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_small_body_goes_with_the_header_and_an_empty_one_has_a_length)
{
    simulation s(1);
    std::vector<std::string> arrived;
    uploads u(s, [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            arrived.push_back(co_await by.some());
            co_await by.say(done);
        }
    });
    u.run([&]() -> asio::awaitable<void> {
        const auto put = co_await u.send("PUT", request_body::text("small"));
        BOOST_TEST(!put.error);
        const auto got = co_await u.send("GET", request_body::text(""));
        BOOST_TEST(!got.error);
    });
    BOOST_REQUIRE(arrived.size() == 2U); // each in one piece
    BOOST_TEST(arrived[0].substr(arrived[0].find("\r\n\r\n") + 4) == "small");
    BOOST_TEST(has_line(arrived[1], "Content-Length: 0"));
}

BOOST_AUTO_TEST_CASE(a_large_body_waits_for_the_server_but_not_for_long)
{
    for (const bool speaks : {true, false}) {
        simulation s(1);
        const std::string content(200, 'z');
        weir::duration waited{};
        const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
            const std::string head = co_await by.head();
            BOOST_TEST(has_line(head, "Expect: 100-continue"));
            const auto asked = s.world.now();
            if (speaks) {
                co_await weir::async_sleep_for(s.b.get_executor(), 300ms);
                co_await by.say("HTTP/1.1 100 Continue\r\n\r\n");
            }
            BOOST_TEST((co_await by.take(content.size())) == content);
            waited = s.world.now() - asked;
            co_await by.say(done);
        };
        uploads u(s, script, stream_options(),
                  http::client_options().requests(http::request_options().expect_above(199)));
        u.run([&]() -> asio::awaitable<void> {
            const auto answer = co_await u.send("PUT", request_body::text(content));
            BOOST_TEST(answer.body == "done");
        });
        BOOST_TEST((waited == (speaks ? 300ms : 1000ms)));
    }
}

BOOST_AUTO_TEST_CASE(the_word_to_go_on_may_come_with_the_answer)
{
    simulation s(1);
    const std::string content(2'000, 'z');
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            co_await by.say("HTTP/1.1 100 Continue\r\n\r\n" + done);
            BOOST_TEST((co_await by.take(content.size())) == content);
        }
    };
    uploads u(s, script, stream_options(),
              http::client_options().requests(http::request_options().expect_above(1)));
    u.run([&]() -> asio::awaitable<void> {
        for (int i = 0; i < 2; ++i) {
            const auto answer = co_await u.send("PUT", request_body::text(content));
            BOOST_TEST(!answer.error);
            BOOST_TEST(answer.body == "done");
        }
    });
    BOOST_TEST(u.peers.connections == 1U);
}

BOOST_AUTO_TEST_CASE(a_body_that_the_server_does_not_want_is_not_sent)
{
    simulation s(1);
    const auto source = std::make_shared<text_source>("never seen");
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            co_await by.say("HTTP/1.1 401 Who\r\nContent-Length: 4\r\n\r\nwho?");
        }
    };
    uploads u(s, script);
    u.run([&]() -> asio::awaitable<void> {
        const auto answer = co_await u.send("PUT", request_body::from(source));
        BOOST_TEST(!answer.error);
        BOOST_TEST(answer.status == 401U);
        BOOST_TEST(answer.body == "who?");
        BOOST_TEST(u.client->connections() == 0U); // the server still waits for the body there
        BOOST_TEST((co_await u.send("GET", request_body())).status == 401U);
    });
    BOOST_TEST((s.elapsed() < 1s));
    BOOST_TEST(source->given == 0U);
    BOOST_TEST(u.peers.connections == 2U);
}

BOOST_AUTO_TEST_CASE(a_request_whose_expectation_fails_is_made_without)
{
    simulation s(1);
    std::vector<std::string> bodies;
    int refused = 0;
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            const std::string head = co_await by.head();
            if (has_line(head, "Expect: 100-continue")) {
                ++refused;
                co_await by.say("HTTP/1.1 417 What\r\nContent-Length: 5\r\n\r\nwhat?");
                continue;
            }
            if (has_line(head, "Transfer-Encoding: chunked"))
                bodies.push_back(co_await by.take_chunks());
            else
                bodies.push_back(co_await by.take(7));
            co_await by.say(done);
        }
    };
    uploads u(
        s, script, stream_options(),
        http::client_options().max_redirects(0).requests(http::request_options().expect_above(6)));
    u.run([&]() -> asio::awaitable<void> {
        const auto once = std::make_shared<text_source>("content");
        for (const auto& body : {request_body::text("content"), request_body::from(once)}) {
            const auto answer = co_await u.send("POST", body);
            BOOST_TEST(!answer.error);
            BOOST_TEST(answer.body == "done");
            BOOST_TEST(answer.attempts.size() == 2U);
        }
    });
    BOOST_TEST((s.elapsed() < 1s));
    BOOST_TEST(refused == 2);
    const std::vector<std::string> wanted = {"content", "7\r\ncontent\r\n0\r\n\r\n"};
    BOOST_TEST(bodies == wanted, boost::test_tools::per_element());
}

// Nothing was expected the second time; or the body is gone.
BOOST_AUTO_TEST_CASE(any_other_417_is_an_answer)
{
    for (const bool late : {true, false}) {
        simulation s(1);
        int requests = 0;
        const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
            const std::string head = co_await by.head();
            ++requests;
            if (late || !has_line(head, "Expect: 100-continue"))
                co_await by.take(7);
            co_await by.say("HTTP/1.1 417 What\r\nContent-Length: 5\r\n\r\nwhat?");
        };
        uploads u(s, script, stream_options(),
                  http::client_options().requests(http::request_options().expect_above(6)));
        u.run([&]() -> asio::awaitable<void> {
            const auto once = std::make_shared<text_source>("content");
            once->says = 7;
            const auto answer = co_await u.send("POST", request_body::from(once));
            BOOST_TEST(!answer.error);
            BOOST_TEST(answer.status == 417U);
            BOOST_TEST(answer.body == "what?");
        });
        BOOST_TEST(requests == (late ? 1 : 2));
    }
}

// It reads the header alone, and keeps the connection open.
BOOST_AUTO_TEST_CASE(an_early_answer_ends_the_sending)
{
    in_many_orders(
        [](simulation& s) {
            const auto source = std::make_shared<text_source>(std::string(100'000, 'x'));
            source->part = 1000;
            source->says = 100'000;
            const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
                co_await by.head();
                co_await by.say("HTTP/1.1 413 Large\r\nContent-Length: 3\r\n\r\nno!");
                co_await weir::async_sleep_for(s.b.get_executor(), 1h);
            };
            uploads u(s, script, stream_options().delay(0ms, 20ms).buffer(500));
            u.run([&]() -> asio::awaitable<void> {
                const auto before = s.world.now();
                const auto answer = co_await u.send("POST", request_body::from(source));
                BOOST_TEST(answer.status == 413U);
                BOOST_TEST(answer.body == "no!");
                BOOST_TEST((s.world.now() - before < 5s));
            });
            BOOST_TEST(source->given < 10'000U);
        },
        30);
}

BOOST_AUTO_TEST_CASE(a_good_answer_before_the_body_keeps_the_connection)
{
    in_many_orders(
        [](simulation& s) {
            const auto source = std::make_shared<text_source>(std::string(1000, 'x'));
            source->part = 100;
            source->says = 1000;
            const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
                co_await by.head();
                co_await by.say(done);
                co_await by.take(1000);
                co_await by.head();
                co_await by.say(done);
            };
            uploads u(s, script, stream_options().delay(0ms, 20ms).buffer(50));
            u.run([&]() -> asio::awaitable<void> {
                const auto first = co_await u.send("POST", request_body::from(source));
                BOOST_TEST(first.body == "done");
                BOOST_TEST(source->given == 1000U);
                const auto second = co_await u.send("GET", request_body());
                BOOST_TEST(second.body == "done");
                BOOST_TEST(second.reused);
            });
        },
        30);
}

// Nobody knows whether it will read the rest.
BOOST_AUTO_TEST_CASE(a_good_answer_stands_when_the_time_for_the_rest_of_the_body_is_over)
{
    simulation s(1);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 100 Continue\r\n\r\n");
        co_await by.take(500);
        co_await by.say(done);
        co_await weir::async_sleep_for(s.b.get_executor(), 1h);
    };
    uploads u(
        s, script, stream_options().buffer(500),
        http::client_options().requests(http::request_options().total_timeout(5s).expect_above(0)));
    u.run([&]() -> asio::awaitable<void> {
        const auto before = s.world.now();
        const auto answer = co_await u.send("POST", request_body::text(std::string(5000, 'x')));
        BOOST_TEST(!answer.error);
        BOOST_TEST(answer.body == "done");
        BOOST_TEST((s.world.now() - before == 5s));
        BOOST_TEST(u.client->connections() == 0U);
    });
}

// The rest is not even read while the answer still comes.
BOOST_AUTO_TEST_CASE(after_an_early_answer_the_source_is_left_alone)
{
    simulation s(1);
    const auto source = std::make_shared<text_source>(std::string(100'000, 'x'));
    source->slow_on = s.a.get_executor();
    source->part = 1000;
    source->says = 100'000;
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await weir::async_sleep_for(s.b.get_executor(), 2500ms);
        co_await by.say("HTTP/1.1 413 Large\r\nContent-Length: 3\r\n\r\n");
        co_await weir::async_sleep_for(s.b.get_executor(), 10s);
        co_await by.say("no!");
    };
    uploads u(s, script);
    u.run([&]() -> asio::awaitable<void> {
        const auto answer = co_await u.send("POST", request_body::from(source));
        BOOST_TEST(answer.body == "no!");
    });
    BOOST_TEST(source->given == 3000U); // one read was under way
}

// It sends back what it gets, and there is little room on the way.
BOOST_AUTO_TEST_CASE(a_response_is_read_while_the_request_is_sent)
{
    in_many_orders(
        [](simulation& s) {
            std::string content;
            for (int i = 0; i < 1000; ++i)
                content += std::to_string(i);
            const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
                co_await by.head();
                co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: " +
                                std::to_string(content.size()) + "\r\n\r\n");
                for (std::size_t sent = 0; sent != content.size();) {
                    const std::string part = co_await by.some();
                    co_await by.say(part);
                    sent += part.size();
                }
            };
            uploads u(s, script, stream_options().delay(0ms, 5ms).buffer(100));
            u.run([&]() -> asio::awaitable<void> {
                const auto answer = co_await u.send("POST", request_body::text(content));
                BOOST_TEST(!answer.error);
                BOOST_TEST(answer.body == content);
            });
        },
        30);
}

BOOST_AUTO_TEST_CASE(a_slow_server_slows_the_source_down)
{
    simulation s(1);
    const auto source = std::make_shared<text_source>(std::string(2'000'000, 'x'));
    source->part = 100'000;
    source->says = 2'000'000;
    std::size_t most = 0;
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 100 Continue\r\n\r\n");
        for (std::size_t taken = 0; taken != 2'000'000;) {
            co_await weir::async_sleep_for(s.b.get_executor(), 1ms);
            taken += (co_await by.some()).size();
            most = std::max(most, source->given - taken);
        }
        co_await by.say(done);
    };
    uploads u(s, script, stream_options().buffer(1000));
    u.run([&]() -> asio::awaitable<void> {
        const auto answer = co_await u.send("POST", request_body::from(source));
        BOOST_TEST(answer.body == "done");
    });
    BOOST_TEST(most <= 64U * 1024 + 1000);
}

BOOST_AUTO_TEST_CASE(a_redirect_wants_the_body_again_or_a_get)
{
    simulation s(1);
    const file stored("content");
    std::vector<std::string> seen;
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            const std::string head = co_await by.head();
            std::string line = head.substr(0, head.find(" HTTP"));
            if (has_line(head, "Content-Length: 7"))
                line += " " + co_await by.take(7);
            if (has_line(head, "Content-Type: text/x"))
                line += " typed";
            seen.push_back(line);
            const std::string target = head.substr(head.find('/') + 1, 3);
            if (target == "new")
                co_await by.say(done);
            else
                co_await by.say("HTTP/1.1 " + target +
                                " Go\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n");
        }
    };
    uploads u(s, script);
    u.run([&]() -> asio::awaitable<void> {
        const auto source = std::make_shared<text_source>("content");
        source->says = 7;
        source->rewinds = true;
        BOOST_TEST((co_await u.send("PUT", request_body::text("content"), "/307")).body == "done");
        BOOST_TEST((co_await u.send("POST", request_body::file(stored.name), "/308")).body ==
                   "done");
        BOOST_TEST((co_await u.send("PUT", request_body::from(source), "/302")).body == "done");
        BOOST_TEST(source->rewound == 1);
        BOOST_TEST((co_await u.send("POST", request_body::text("content"), "/301")).body == "done");
        BOOST_TEST((co_await u.send("PUT", request_body::text("content"), "/303")).body == "done");
    });
    const std::vector<std::string> wanted = {"PUT /307 content typed",  "PUT /new content typed",
                                             "POST /308 content typed", "POST /new content typed",
                                             "PUT /302 content typed",  "PUT /new content typed",
                                             "POST /301 content typed", "GET /new",
                                             "PUT /303 content typed",  "GET /new"};
    BOOST_TEST(seen == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_could_not_be_rewound_is_rewound_by_the_next_request)
{
    simulation s(1);
    std::vector<std::string> seen;
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            seen.push_back(co_await by.take(7));
            co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    };
    uploads u(s, script);
    u.run([&]() -> asio::awaitable<void> {
        const auto source = std::make_shared<text_source>("content");
        source->says = 7;
        source->rewinds = true;
        const auto body = request_body::from(source);
        BOOST_TEST(!(co_await u.send("PUT", body)).error);
        source->is_stuck = true;
        const http::response failed = co_await u.send("PUT", body);
        expect_error(failed, error_class::io, "stuck");
        BOOST_TEST(!(co_await u.send("PUT", body)).error);
        BOOST_TEST(source->rewound == 2);
    });
    const std::vector<std::string> wanted = {"content", "content"};
    BOOST_TEST(seen == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_body_that_is_sent_quickly_lets_others_run)
{
    constexpr std::size_t size = 8 << 20;
    simulation s(1);
    const auto script = [](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 100 Continue\r\n\r\n");
        for (std::size_t got = 0; got < size;)
            got += (co_await by.some()).size();
        co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    };
    uploads u(s, script, weir::sim::stream_options().buffer(2 * size)); // it never waits
    const auto source = std::make_shared<text_source>(std::string(size, 'x'));
    source->part = 1 << 16;
    source->says = size;
    int turns = 0; // while it is sent
    const auto other = [&]() -> asio::awaitable<void> {
        for (; source->given != size; ++turns)
            co_await asio::post(s.a.get_executor(), asio::use_awaitable);
    };
    source->on_begin = [&] { s.spawn(other); };
    u.run([&]() -> asio::awaitable<void> {
        const http::response answer = co_await u.send("PUT", request_body::from(source));
        BOOST_TEST(!answer.error);
    });
    BOOST_TEST(turns >= 7);
}

BOOST_AUTO_TEST_CASE(a_redirect_that_wants_a_body_again_that_is_gone_is_an_error)
{
    simulation s(1);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.take(7);
        co_await by.say("HTTP/1.1 307 Go\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n");
    };
    uploads u(s, script);
    u.run([&]() -> asio::awaitable<void> {
        const auto source = std::make_shared<text_source>("content");
        source->says = 7;
        const auto answer = co_await u.send("PUT", request_body::from(source));
        expect_error(answer, error_class::redirect, "http://192.0.2.1/new");
        BOOST_TEST(answer.status == 307U);
    });
    BOOST_TEST(u.peers.connections == 1U);
}

// A redirect that changes the method answers the request that was made; what follows only reads.
BOOST_AUTO_TEST_CASE(a_redirect_to_get_says_that_the_server_has_acted)
{
    simulation s(1);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        const std::string head = co_await by.head();
        const std::string target = head.substr(head.find('/') + 1, 3);
        if (target == "new")
            co_return; // without an answer
        co_await by.take(7);
        co_await by.say("HTTP/1.1 " + target +
                        " Go\r\nLocation: /new\r\nConnection: close\r\n"
                        "Content-Length: 0\r\n\r\n");
    };
    uploads u(s, script);
    u.run([&]() -> asio::awaitable<void> {
        for (const char* target : {"/303", "/302", "/307"}) {
            const auto answer = co_await u.send("POST", request_body::text("content"), target);
            expect_error(answer, error_class::incomplete, "");
            const bool acted = target != std::string("/307");
            BOOST_TEST(
                (answer.processed == (acted ? http::processed::yes : http::processed::maybe)),
                target);
        }
    });
}

// On a used connection it says that the server did not wait for the request.
BOOST_AUTO_TEST_CASE(a_request_timeout_is_an_answer_where_the_body_is_gone)
{
    for (const bool rewinds : {false, true}) {
        simulation s(1);
        int asked = 0;
        const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
            for (;;) {
                co_await by.head();
                co_await by.take(7);
                const std::string answer =
                    ++asked == 2 ? "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n" : done;
                co_await by.say(answer);
            }
        };
        uploads u(s, script);
        u.run([&]() -> asio::awaitable<void> {
            for (const unsigned expected : {200U, rewinds ? 200U : 408U}) {
                const auto source = std::make_shared<text_source>("content");
                source->says = 7;
                source->rewinds = rewinds;
                const auto answer = co_await u.send("PUT", request_body::from(source));
                BOOST_TEST(!answer.error);
                BOOST_TEST(answer.status == expected);
            }
        });
        BOOST_TEST(asked == (rewinds ? 3 : 2));
    }
}

// The second request on a connection finds it closed. Only what can be sent again is.
BOOST_AUTO_TEST_CASE(a_body_that_cannot_be_read_again_is_not_replayed)
{
    simulation s(1);
    int answered = 0;
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.take(7);
        co_await by.say(done);
        ++answered;
        co_await by.head();
        co_await by.take(7);
    };
    uploads u(s, script);
    u.run([&]() -> asio::awaitable<void> {
        const auto put = [&](bool rewinds) -> asio::awaitable<http::response> {
            const auto source = std::make_shared<text_source>("content");
            source->says = 7;
            source->rewinds = rewinds;
            return u.send("PUT", request_body::from(source));
        };
        BOOST_TEST((co_await put(false)).body == "done");
        expect_error(co_await put(false), error_class::incomplete, "without an answer");
        BOOST_TEST((co_await put(false)).body == "done");
        BOOST_TEST((co_await put(true)).body == "done"); // again, on a new connection
        BOOST_TEST((co_await u.send("PUT", request_body::text("content"))).body == "done");
        expect_error(co_await u.send("POST", request_body::text("content")),
                     error_class::incomplete, "without an answer");
    });
    BOOST_TEST(answered == 4);
    BOOST_TEST(u.peers.connections == 4U);
}

// Both would read from it, and each would send a part.
// It was sent on a connection that had been used before, and is replayed; but nobody listens now.
BOOST_AUTO_TEST_CASE(what_a_lost_connection_may_have_done_is_not_forgotten)
{
    simulation s(1);
    uploads* all = nullptr;
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say(done);
        co_await by.head();
        all->all.fail_server({asio::ip::make_address("192.0.2.1"), 80},
                             asio::error::connection_refused);
    };
    uploads u(s, script);
    all = &u;
    u.run([&]() -> asio::awaitable<void> {
        const auto first = co_await u.send("PUT", request_body::text("1"));
        BOOST_TEST(!first.error);
        const auto second = co_await u.send("PUT", request_body::text("2"));
        expect_error(second, error_class::connect, "refused");
        BOOST_TEST((second.processed == http::processed::maybe));
    });
}

BOOST_AUTO_TEST_CASE(a_source_serves_one_request_at_a_time)
{
    for (const bool rewinds : {false, true}) {
        simulation s(1);
        const auto source = std::make_shared<text_source>(std::string(1000, 'x'));
        source->rewinds = rewinds;
        source->slow_on = s.a.get_executor();
        const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
            for (;;) {
                co_await by.head();
                co_await weir::async_sleep_for(s.b.get_executor(), 10s);
                co_await by.say(done);
            }
        };
        uploads u(s, script);
        const auto shared = request_body::from(source);
        int good = 0;
        std::string text;
        const auto send = [&]() -> asio::awaitable<void> {
            const auto answer = co_await u.send("PUT", shared);
            good += answer.error ? 0 : 1;
            text += answer.error ? answer.error->text() : "";
        };
        s.spawn(send);
        s.spawn(send);
        s.run();
        BOOST_TEST(good == 1);
        BOOST_TEST(text.find("by another request") != std::string::npos, text);
        BOOST_TEST(source->rewound == 0);
        BOOST_TEST(shared.can_be_sent() == rewinds); // and it is free again
        if (rewinds)
            BOOST_CHECK_NO_THROW(shared.open());
    }
}

BOOST_AUTO_TEST_CASE(a_body_that_cannot_be_read_is_an_error_that_says_which)
{
    simulation s(1);
    const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
        for (;;)
            co_await by.some();
    };
    uploads u(s, script);
    u.run([&]() -> asio::awaitable<void> {
        expect_error(co_await u.send("PUT", request_body::file("no/such.file")), error_class::io,
                     "no/such.file: No such file");
        expect_error(co_await u.send("PUT", request_body::file(".")), error_class::io,
                     "no regular file");
        BOOST_CHECK_THROW((void)request_body::file(""), std::invalid_argument);
        BOOST_CHECK_THROW((void)request_body::from(nullptr), std::invalid_argument);
        const auto torn = std::make_shared<text_source>("content");
        torn->fails = true;
        expect_error(co_await u.send("PUT", request_body::from(torn)), error_class::io,
                     "the tape is torn");
        const auto sealed = std::make_shared<text_source>("content");
        sealed->is_sealed = true;
        expect_error(co_await u.send("PUT", request_body::from(sealed)), error_class::io,
                     "the tape is sealed");
        const auto brief = std::make_shared<text_source>("content");
        brief->says = 8;
        expect_error(co_await u.send("PUT", request_body::from(brief)), error_class::io,
                     "ended after 7 of 8 bytes");
    });
}

// Cancelled, or the connection lost, at every step.
BOOST_AUTO_TEST_CASE(an_upload_ends_once_whatever_happens_to_it)
{
    for (const ends_early how : {ends_early::cancelled, ends_early::connection_lost})
        in_every_order(
            [how](simulation& s) {
                const auto script = [&](simulated_peer& by) -> asio::awaitable<void> {
                    co_await by.head();
                    co_await by.say("HTTP/1.1 100 Continue\r\n\r\n");
                    co_await by.take_chunks();
                    co_await by.say(done);
                };
                uploads u(s, script, stream_options().buffer(30));
                http::request ask(http::url::parse("http://192.0.2.1/").value(), "PUT");
                ask.body(request_body::from(std::make_shared<text_source>("one and two")));
                const auto answer = u.end_at_some_step(how, [&](auto handler) {
                    u.client->async_request(std::move(ask), std::move(handler));
                });
                BOOST_REQUIRE((answer.error || answer.body == "done"));
            },
            schedules::delayed(1));
}

BOOST_AUTO_TEST_SUITE_END()
