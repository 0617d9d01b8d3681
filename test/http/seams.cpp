// Where the parts of a client meet: sessions, limits, bodies that are sent while others arrive.
#include <weir/http/client.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/request_body.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_peer.hpp"
#include "support/simulation.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using http::error_class;
using http::request_options;
using weir::sim::stream_options;
using weir::test::in_many_orders;
using weir::test::simulated_peer;
using weir::test::simulated_peers;
using weir::test::simulation;

namespace {

using endpoint = weir::sim::network::endpoint;
const endpoint web(asio::ip::make_address("192.0.2.1"), 80);
const endpoint other_web(asio::ip::make_address("192.0.2.2"), 80);

struct scene {
    scene(simulation& sim, simulated_peers::script script,
          http::client_options options = http::client_options(), stream_options how = {})
        : s(sim), all(sim.world), client(std::make_unique<http::client>(
                                      sim.a.get_executor(), std::move(options),
                                      std::make_shared<http::simulated_network>(sim.a, all))),
          peers(all, web, sim.b, std::move(script), how)
    {
    }

    // What a request ends with.
    http::response answer_to(http::request what)
    {
        http::response answer;
        s.spawn([&]() -> asio::awaitable<void> {
            auto asking = client->async_request(std::move(what));
            answer = co_await std::move(asking);
            client->close_idle();
        });
        s.world.run();
        return answer;
    }

    asio::awaitable<void> sleep(weir::duration length)
    {
        return weir::async_sleep_for(s.b.get_executor(), length, asio::use_awaitable);
    }

    simulation& s;
    weir::sim::network all;
    std::unique_ptr<http::client> client;
    simulated_peers peers;
};

http::request ask(const std::string& target, const std::string& method = "GET")
{
    return http::request(http::url::parse("http://192.0.2.1" + target).value(), method);
}

std::string text_of(const http::response& answer)
{
    return answer.error ? std::string(name(answer.error->kind())) + ": " + answer.error->text()
                        : std::to_string(answer.status) + " " + answer.body;
}

// 1,000 bytes at a time, each after a pause.
class slow_source final : public http::body_source {
public:
    slow_source(simulation& s, std::size_t size, weir::duration pause)
        : s_(s), left_(size), size_(size), pause_(pause)
    {
    }
    asio::awaitable<std::size_t> read(char* to, std::size_t most) override
    {
        bool cut = false;
        try {
            co_await weir::async_sleep_for(s_.a.get_executor(), pause_, asio::use_awaitable);
        } catch (...) {
            cut = true;
        }
        if (cut)
            throw std::runtime_error("the reading was interrupted");
        const std::size_t part = std::min({most, left_, std::size_t(1000)});
        std::fill_n(to, part, 'x');
        left_ -= part;
        co_return part;
    }
    std::optional<std::uint64_t> length() const override { return size_; }
    bool can_rewind() const override
    {
        if (breaks)
            throw std::runtime_error("no tape");
        return true;
    }
    void rewind() override { left_ = size_; }

    bool breaks = false;

private:
    simulation& s_;
    std::size_t left_, size_;
    weir::duration pause_;
};

asio::awaitable<void> answers(simulated_peer& by)
{
    for (;;) {
        co_await by.head();
        co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_seams)

BOOST_AUTO_TEST_CASE(a_go_ahead_counts_that_comes_with_the_answer)
{
    simulation s(1);
    scene x(s, [](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        co_await by.take(2'000'000);
        co_await by.say("ok");
    });
    auto what = ask("/", "POST");
    what.body(http::request_body::text(std::string(2'000'000, 'x')));
    BOOST_TEST(text_of(x.answer_to(std::move(what))) == "200 ok");
}

BOOST_AUTO_TEST_CASE(after_an_early_good_answer_the_rest_is_sent)
{
    simulation s(1);
    std::size_t arrived = 0;
    scene x(s, [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok");
        co_await by.take(20'000);
        arrived = 20'000;
    });
    auto what = ask("/", "POST");
    what.body(http::request_body::from(std::make_shared<slow_source>(s, 20'000, 10ms)));
    BOOST_TEST(text_of(x.answer_to(std::move(what))) == "202 ok");
    BOOST_TEST(arrived == 20'000U);
}

BOOST_AUTO_TEST_CASE(a_source_that_fails_after_a_refusal_does_not_count)
{
    simulation s(1);
    scene x(s, [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await x.sleep(1s);
        co_await by.say("HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno");
        co_await by.some();
    });
    auto what = ask("/", "POST");
    what.body(http::request_body::from(std::make_shared<slow_source>(s, 1000, 60s)));
    BOOST_TEST(text_of(x.answer_to(std::move(what))) == "413 no");
}

BOOST_AUTO_TEST_CASE(a_source_that_was_cut_short_does_not_switch_the_least_speed_off)
{
    simulation s(1);
    scene x(
        s,
        [&](simulated_peer& by) -> asio::awaitable<void> {
            const std::string head = co_await by.head();
            if (head.find("POST") == 0) {
                co_await x.sleep(100ms);
                co_await by.say("HTTP/1.1 303 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
                co_await x.sleep(1s);
            } else {
                co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
                co_await x.sleep(100h);
            }
        },
        http::client_options().requests(request_options().least_speed(100, 5s)));
    auto what = ask("/", "POST");
    what.body(http::request_body::from(std::make_shared<slow_source>(s, 1000, 60s)));
    const auto answer = x.answer_to(std::move(what));
    BOOST_REQUIRE(answer.error.has_value());
    BOOST_TEST((answer.error->kind() == error_class::timeout));
    BOOST_TEST(answer.timings.total < 20s);
}

BOOST_AUTO_TEST_CASE(waiting_for_a_go_ahead_is_not_slow)
{
    simulation s(1);
    scene x(
        s,
        [](simulated_peer& by) -> asio::awaitable<void> {
            co_await by.head(); // and says nothing of Expect
            co_await by.take(2'000'000);
            co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        },
        http::client_options().requests(request_options().least_speed(1000, 500ms)));
    auto what = ask("/", "POST");
    what.body(http::request_body::text(std::string(2'000'000, 'x')));
    BOOST_TEST(text_of(x.answer_to(std::move(what))) == "200 ok");
}

BOOST_AUTO_TEST_CASE(a_body_that_cannot_say_whether_it_rewinds_costs_its_session)
{
    simulation s(1);
    scene x(s, [&](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 413 No\r\nContent-Length: 4\r\n\r\n");
        co_await x.sleep(1s);
        co_await by.say("left");
        co_await by.some();
    });
    const auto source = std::make_shared<slow_source>(s, 1000, 1ms);
    source->breaks = true;
    auto what = ask("/", "PUT");
    what.body(http::request_body::from(source));
    const auto answer = x.answer_to(std::move(what));
    BOOST_REQUIRE(answer.error.has_value());
    BOOST_TEST((answer.error->kind() == error_class::internal));
    BOOST_TEST(x.client->connections() == 0U); // it is given to nobody else
}

BOOST_AUTO_TEST_CASE(the_limit_of_a_whole_request_is_a_timeout_in_every_order)
{
    in_many_orders([](simulation& s) {
        scene x(
            s,
            [&](simulated_peer& by) -> asio::awaitable<void> {
                for (;;) {
                    co_await by.head();
                    co_await x.sleep(1s);
                    co_await by.say("HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
                }
            },
            http::client_options().requests(request_options().total_timeout(1s)));
        const auto answer = x.answer_to(ask("/"));
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST((answer.error->kind() == error_class::timeout), text_of(answer));
        BOOST_TEST(answer.attempts.size() >= 1U);
    });
}

BOOST_AUTO_TEST_CASE(the_last_part_is_there_after_its_request_has_ended)
{
    simulation s(1);
    scene x(
        s,
        [](simulated_peer& by) -> asio::awaitable<void> {
            co_await by.head();
            co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" +
                            std::string(60'000, 'x'));
            co_await by.some();
        },
        http::client_options().requests(request_options().total_timeout(5s)));
    s.spawn([&]() -> asio::awaitable<void> {
        auto asking = x.client->async_open(ask("/"));
        auto pulled = co_await std::move(asking);
        const std::string_view part = co_await pulled.next();
        const std::size_t size = part.size();
        co_await weir::async_sleep_for(s.a.get_executor(), 10s, asio::use_awaitable);
        BOOST_TEST(pulled.answer().error.has_value()); // its time was over
        BOOST_TEST((std::string(part) == std::string(size, 'x')));
        x.client->close_idle();
    });
    s.run();
}

// Hands the part to something that is destroyed, and drops the coroutine with it.
class dropped_receiver final : public http::body_receiver {
public:
    asio::awaitable<weir::error_code> write(std::string_view) override
    {
        const auto keep = [this](auto handler) {
            held = std::make_unique<asio::any_completion_handler<void()>>(std::move(handler));
        };
        co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(keep,
                                                                             asio::use_awaitable);
        co_return weir::error_code();
    }

    std::unique_ptr<asio::any_completion_handler<void()>> held;
};

BOOST_AUTO_TEST_CASE(a_request_that_is_dropped_harms_no_other)
{
    simulation s(1);
    scene x(s, answers, http::client_options().per_host(1));
    dropped_receiver to;
    bool first = false, second = false;
    x.client->async_request_into(ask("/1"), to, [&](http::response) { first = true; });
    s.world.run();
    to.held.reset();
    x.client->async_request(ask("/2"), [&](http::response answer) { second = !answer.error; });
    s.world.run();
    BOOST_TEST(!first); // its coroutine has gone
    BOOST_TEST(second);
    x.client->close_idle();
    BOOST_TEST(x.client->connections() == 0U);
}

BOOST_AUTO_TEST_CASE(a_request_that_inherits_a_connection_has_its_own_limits)
{
    simulation s(1);
    scene x(s, answers, http::client_options().per_host(1).connect_timeout(weir::duration::max()));
    x.all.silence_server(other_web);
    const auto silent = http::url::parse("http://192.0.2.2/").value();
    asio::cancellation_signal stop;
    std::optional<http::response> first, second;
    x.client->async_request(
        http::request(silent),
        asio::bind_cancellation_slot(stop.slot(), [&](http::response r) { first = std::move(r); }));
    auto heir = http::request(silent);
    heir.options(request_options().connect_timeout(2s));
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 500ms, asio::use_awaitable);
        x.client->async_request(std::move(heir), [&](http::response r) { second = std::move(r); });
        co_await weir::async_sleep_for(s.a.get_executor(), 500ms, asio::use_awaitable);
        stop.emit(asio::cancellation_type::terminal);
    });
    s.world.run();
    BOOST_REQUIRE((first && first->error && second && second->error));
    BOOST_TEST((first->error->kind() == error_class::aborted));
    BOOST_TEST((second->error->kind() == error_class::timeout), text_of(*second));
    BOOST_TEST((second->timings.total == 2500ms), text_of(*second)); // 2 s of its own
    BOOST_TEST(x.client->connections() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_sent_from_a_part_that_is_held_does_not_wait_for_it)
{
    class passed_on final : public http::body_source {
    public:
        explicit passed_on(http::open_response from) : from_(std::move(from)) {}
        asio::awaitable<std::size_t> read(char* to, std::size_t size) override
        {
            if (part_.empty())
                part_ = co_await from_.next();
            const std::size_t n = part_.copy(to, size);
            part_.remove_prefix(n);
            co_return n;
        }

    private:
        http::open_response from_;
        std::string_view part_;
    };
    class counter final : public http::body_receiver {
    public:
        asio::awaitable<weir::error_code> write(std::string_view part) override
        {
            bytes += part.size();
            co_return weir::error_code();
        }
        std::size_t bytes = 0;
    };

    simulation s(1);
    scene x(
        s,
        [](simulated_peer& by) -> asio::awaitable<void> {
            co_await by.head();
            co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" +
                            std::string(60'000, 'x'));
            co_await by.some();
        },
        http::client_options().max_held_bodies(1));
    const auto echo = [](simulated_peer& by) -> asio::awaitable<void> {
        co_await by.head();
        co_await by.say("HTTP/1.1 100 Continue\r\n\r\n"
                        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        for (std::size_t got = 0; got < 60'000;) {
            const std::string part = co_await by.some();
            got += part.size();
            co_await by.say(part);
        }
    };
    simulated_peers echoes(x.all, other_web, s.b, echo, stream_options().buffer(1000));
    counter to;
    bool ended = false;
    s.spawn([&]() -> asio::awaitable<void> {
        auto opening = x.client->async_open(ask("/"));
        auto from = co_await std::move(opening);
        http::request up(http::url::parse("http://192.0.2.2/").value(), "POST");
        up.body(http::request_body::from(std::make_shared<passed_on>(std::move(from))));
        auto asking = x.client->async_request_into(std::move(up), to);
        const auto answer = co_await std::move(asking);
        ended = !answer.error;
        x.client->close_idle();
    });
    s.world.run();
    BOOST_TEST(ended);
    BOOST_TEST(to.bytes >= 60'000U);
}

BOOST_AUTO_TEST_CASE(an_answer_that_has_come_is_not_late_because_there_is_no_room_for_it)
{
    simulation s(1);
    auto options = http::client_options().max_held_bodies(1);
    options.requests(request_options().first_byte_timeout(3s));
    scene x(
        s,
        [](simulated_peer& by) -> asio::awaitable<void> {
            co_await by.head();
            co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
            co_await by.some();
        },
        options);
    const auto pull = [&](weir::duration begin, weir::duration length) -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), begin, asio::use_awaitable);
        auto opening = x.client->async_open(ask("/"));
        auto pulled = co_await std::move(opening);
        const std::string_view part = co_await pulled.next();
        BOOST_TEST(part == "abc");
        co_await weir::async_sleep_for(s.a.get_executor(), length, asio::use_awaitable);
        const std::string_view rest = co_await pulled.next();
        BOOST_TEST(rest.empty());
        BOOST_TEST(!pulled.answer().error, text_of(pulled.answer()));
    };
    s.spawn([&] { return pull(0s, 10s); });
    s.spawn([&] { return pull(1s, 0s); }); // waits nine seconds for the other's part
    s.world.run();
    x.client->close_idle();
    s.run();
}

BOOST_AUTO_TEST_CASE(idle_connections_are_closed_between_any_two_steps)
{
    in_many_orders(
        [](simulation& s) {
            scene x(s, answers, http::client_options().per_host(2));
            int ended = 0;
            const auto one_more = [&](http::response answer) {
                BOOST_TEST(!answer.error, text_of(answer));
                ++ended;
            };
            // The next two have one connection, and perhaps another that is made in vain.
            x.client->async_request(ask("/"), [&](http::response answer) {
                x.client->async_request(ask("/"), one_more);
                x.client->async_request(ask("/"), one_more);
                one_more(std::move(answer));
            });
            s.world.at_some_step([&] { x.client->close_idle(); }); // as main would, in no context
            s.world.run();
            BOOST_TEST(ended == 3);
            x.client->close_idle();
            s.run();
            BOOST_TEST(x.client->connections() == 0U);
        },
        2000);
}

BOOST_AUTO_TEST_CASE(what_a_sink_throws_is_in_the_response_whatever_it_is)
{
    simulation s(1);
    scene x(s, answers);
    std::optional<http::response> got;
    const http::body_sink odd = [](std::string_view) -> weir::error_code { throw 42; };
    x.client->async_request_into(ask("/"), odd, [&](http::response r) { got = std::move(r); });
    s.world.run();
    BOOST_REQUIRE((got && got->error));
    BOOST_TEST((got->error->kind() == error_class::io)); // as any failure of a sink
}

BOOST_AUTO_TEST_SUITE_END()
