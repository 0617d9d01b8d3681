// The operations of the client with every kind of completion token.
#include <weir/http/client.hpp>
#include <weir/http/exchange_watcher.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_server.hpp"
#include "support/counting_allocator.hpp"
#include "support/simulation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using http::error_class;
using weir::sim::stream_options;
using weir::test::ok;
using weir::test::simulated_answer;
using weir::test::simulated_server;
using weir::test::simulation;

namespace {

// A client in one context, and a server in the other that says what it was asked for.
struct web {
    explicit web(simulation& sim, http::client_options options = http::client_options())
        : s(sim), all(sim.world), client(std::make_unique<http::client>(
                                      sim.a.get_executor(), std::move(options),
                                      std::make_shared<http::simulated_network>(sim.a, all))),
          server(all, {asio::ip::make_address("192.0.2.1"), 80}, sim.b, answer,
                 stream_options().delay(1s, 1s))
    {
    }

    static simulated_answer answer(const std::string& target)
    {
        if (target == "/moved")
            return {"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 3\r\n\r\nold"};
        if (target == "/head")
            return {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"};
        if (target == "/chunks")
            return {
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nchunks\r\n0\r\n\r\n"};
        return ok(target);
    }

    simulation& s;
    weir::sim::network all;
    std::unique_ptr<http::client> client;
    simulated_server server;
};

http::request ask(const std::string& target)
{
    return http::request(http::url::parse("http://192.0.2.1" + target).value());
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_requests)

BOOST_AUTO_TEST_CASE(a_response_has_its_whole_body)
{
    simulation s(1);
    web w(s);
    s.spawn([&]() -> asio::awaitable<void> {
        const http::response one = co_await w.client->async_get("http://192.0.2.1/one");
        BOOST_TEST(one.status == 200U);
        BOOST_TEST(one.body == "/one");
        BOOST_TEST(one.final_url == "");
        const auto two = co_await w.client->async_request(ask("/chunks"), asio::use_awaitable);
        BOOST_TEST(two.body == "chunks");
        BOOST_TEST(two.bytes == 6U);
        const auto moved = co_await w.client->async_request(ask("/moved"), asio::deferred);
        BOOST_TEST(moved.body == "/there");
        BOOST_TEST(moved.final_url == "http://192.0.2.1/there");
        auto quietly =
            w.client->async_get("http://192.0.2.1/", asio::as_tuple(asio::use_awaitable));
        const auto result = co_await std::move(quietly);
        BOOST_TEST(std::get<0>(result).body == "/");
        w.client->close_idle();
    });
    s.run();
}

BOOST_AUTO_TEST_CASE(text_that_is_no_url_is_an_answer_too)
{
    simulation s(1);
    web w(s);
    bool inside = true, answered = false;
    w.client->async_get("http://", [&](const http::response& answer) {
        BOOST_TEST(!inside);
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST((answer.error->kind() == error_class::bad_url));
        answered = true;
    });
    inside = false;
    s.run();
    BOOST_TEST(answered);
}

BOOST_AUTO_TEST_CASE(a_future_gets_the_response)
{
    simulation s(1);
    web w(s);
    std::future<http::response> answer = w.client->async_request(ask("/later"), asio::use_future);
    s.world.run();
    w.client->close_idle();
    s.run();
    BOOST_TEST(answer.get().body == "/later");
}

BOOST_AUTO_TEST_CASE(a_handler_runs_on_its_own_executor_with_its_own_memory)
{
    simulation s(1);
    web w(s);
    const auto strand = asio::make_strand(s.b.get_executor());
    weir::test::allocations counts;
    bool answered = false;
    auto handler = [&](const http::response& answer) {
        BOOST_TEST(strand.running_in_this_thread());
        BOOST_TEST(counts.made > 0U);
        BOOST_TEST(counts.alive == 0U); // before the handler is called
        BOOST_TEST(answer.body == "/x");
        answered = true;
        w.client->close_idle();
    };
    const weir::test::counting_allocator<void> memory(counts);
    w.client->async_request(
        ask("/x"), asio::bind_executor(strand, asio::bind_allocator(memory, std::move(handler))));
    s.run();
    BOOST_TEST(answered);
}

// As a coroutine has it whose operation found no memory.
BOOST_AUTO_TEST_CASE(a_handler_whose_executor_is_empty_runs_on_the_clients)
{
    simulation s(1);
    web w(s);
    bool answered = false;
    auto handler = [&](const http::response& answer) {
        BOOST_TEST(answer.body == "/x");
        answered = true;
        w.client->close_idle();
    };
    w.client->async_request(ask("/x"),
                            asio::bind_executor(asio::any_io_executor(), std::move(handler)));
    s.run();
    BOOST_TEST(answered);
}

BOOST_AUTO_TEST_CASE(a_client_needs_an_executor)
{
    const asio::any_io_executor none;
    BOOST_CHECK_THROW(http::client{none}, std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_request_is_cancelled_through_its_slot)
{
    simulation s(1);
    web w(s);
    asio::cancellation_signal stop;
    std::optional<http::response> answer;
    w.client->async_request(
        ask("/x"), asio::bind_cancellation_slot(stop.slot(),
                                                [&](http::response r) { answer = std::move(r); }));
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
        stop.emit(asio::cancellation_type::partial); // no effect
        stop.emit(asio::cancellation_type::terminal);
        BOOST_TEST(!answer.has_value());
    });
    s.run();
    BOOST_REQUIRE(answer.has_value());
    BOOST_REQUIRE(answer->error.has_value());
    BOOST_TEST((answer->error->kind() == error_class::aborted));
    BOOST_TEST((s.elapsed() == 500ms));
    BOOST_TEST(w.client->connections() == 0U);
    BOOST_TEST(w.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(a_watcher_may_make_requests)
{
    class asking final : public http::exchange_watcher {
    public:
        explicit asking(web& w) : w_(w) {}
        void sent(std::string_view) override
        {
            w_.client->async_request(ask("/inner"), [this](const http::response& answer) {
                BOOST_TEST(answer.body == "/inner");
                ++answered;
            });
        }
        int answered = 0;

    private:
        web& w_;
    };
    simulation s(1);
    web w(s, http::client_options().idle_timeout(1h));
    const auto watcher = std::make_shared<asking>(w);
    std::string body;
    const http::body_sink sink = [&](std::string_view part) {
        body += part;
        return weir::error_code();
    };
    for (const char* target : {"/one", "/two"}) // two idle connections for what comes
        w.client->async_get("http://192.0.2.1" + std::string(target), [](const http::response&) {});
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 20s);
        BOOST_TEST(w.client->idle() == 2U);
        const http::hop made = co_await w.client->step(ask("/outer"), nullptr, sink, watcher);
        BOOST_TEST(!made.answer.error);
        co_await weir::async_sleep_for(s.a.get_executor(), 20s);
        w.client->close_idle();
    });
    s.run();
    BOOST_TEST(body == "/outer");
    BOOST_TEST(watcher->answered == 1);
    BOOST_TEST(w.server.asked.count("/outer") == 1U);
    BOOST_TEST(w.server.asked.count("/inner") == 1U);
}

BOOST_AUTO_TEST_CASE(a_request_that_has_ended_is_not_cancelled_where_it_ran)
{
    asio::io_context here;  // may be gone when the handler runs there
    asio::io_context there; // nothing of either is a socket, a thread or a clock
    http::client client(here.get_executor());
    asio::cancellation_signal stop;
    std::optional<http::response> given;
    auto handler = [&](http::response answer) { given = std::move(answer); };
    auto cancellable = asio::bind_cancellation_slot(stop.slot(), std::move(handler));
    client.async_get("http://", asio::bind_executor(there.get_executor(), std::move(cancellable)));
    here.run();
    BOOST_TEST(!given.has_value());
    stop.emit(asio::cancellation_type::terminal);
    here.restart();
    BOOST_TEST(here.poll() == 0U);
    there.run();
    BOOST_REQUIRE(given.has_value());
    BOOST_TEST((given->error->kind() == error_class::bad_url));
}

BOOST_AUTO_TEST_CASE(a_body_that_is_too_large_to_keep_can_be_passed_on)
{
    simulation s(1);
    web w(s, http::client_options().requests(http::request_options().max_kept_body(5)));
    s.spawn([&]() -> asio::awaitable<void> {
        const auto fits = co_await w.client->async_request(ask("/five"));
        BOOST_TEST(fits.body == "/five");
        for (const char* target : {"/larger", "/chunks"}) {
            const auto large = co_await w.client->async_request(ask(target));
            BOOST_REQUIRE(large.error.has_value());
            BOOST_TEST((large.error->kind() == error_class::too_large));
            BOOST_TEST(large.error->text().find("max_kept_body") != std::string::npos);
            BOOST_TEST(large.error->text().find("async_request_into") != std::string::npos);
        }
        std::string body;
        http::body_sink sink = [&body](std::string_view part) {
            body += part;
            return weir::error_code();
        };
        const auto passed = co_await w.client->async_request_into(ask("/larger"), std::move(sink));
        BOOST_TEST(body == "/larger");
        BOOST_TEST(passed.body.empty());
        http::request head(http::url::parse("http://192.0.2.1/head").value(), "HEAD");
        const auto none = co_await w.client->async_request(std::move(head));
        BOOST_TEST(!none.error); // it has the length of a body, and no body
        BOOST_TEST(none.fields["Content-Length"] == "1000");
        const auto counted = co_await w.client->async_request_into(ask("/larger"), nullptr);
        BOOST_TEST(counted.bytes == 7U);
        w.client->close_idle();
    });
    s.run();
}

BOOST_AUTO_TEST_SUITE_END()
