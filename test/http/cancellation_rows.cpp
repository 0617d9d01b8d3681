// What happens to the client's and the fetcher's operations when they are cancelled, or when what
// they belong to goes: rows of docs/cancellation.md that no other test shows.
#include <weir/http/client.hpp>
#include <weir/http/fetcher.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/simulated_network.hpp>

#include <weir/error.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/stream_options.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/peer_scene.hpp"
#include "http/support/simulated_peer.hpp"
#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
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
using weir::sim::stream_options;
using weir::test::ok;
using weir::test::peer_scene;
using weir::test::simulated_peer;
using weir::test::simulated_server;
using weir::test::simulation;

namespace {

const asio::ip::tcp::endpoint site(asio::ip::make_address("192.0.2.1"), 80);

// Each request finds a server that sends half of a body, and the rest ten seconds later.
peer_scene in_halves(simulation& s)
{
    const auto play = [&s](simulated_peer& by) -> asio::awaitable<void> {
        for (;;) {
            co_await by.head();
            co_await weir::async_sleep_for(s.b.get_executor(), 1s);
            co_await by.say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
            co_await weir::async_sleep_for(s.b.get_executor(), 10s);
            co_await by.say("rest");
        }
    };
    return peer_scene(s, play);
}

http::request ask()
{
    return http::request(http::url::parse("http://192.0.2.1/").value());
}

// A fetcher in a context of its own, and a server that answers after a second.
struct fetching {
    explicit fetching(simulation& sim)
        : s(sim), all(sim.world), home(std::make_unique<weir::sim::context>(sim.world)),
          fetcher(std::make_unique<http::fetcher>(
              home->get_executor(), http::fetcher_options(), nullptr,
              std::make_shared<http::simulated_network>(*home, all))),
          server(all, site, sim.b, ok, stream_options().delay(1s, 1s))
    {
    }

    template <class Handler>
    void start(Handler handler)
    {
        const auto source = [this]() -> asio::awaitable<std::optional<std::string>> {
            std::optional<std::string> next;
            if (taken != 3)
                next = "http://192.0.2.1/" + std::to_string(++taken);
            co_return next;
        };
        const auto sink = [this](http::fetch_result) -> asio::awaitable<void> {
            ++results;
            co_return;
        };
        asio::co_spawn(home->get_executor(), fetcher->run(source, sink), std::move(handler));
    }

    // Calls this in half a second, while all three are being fetched.
    template <class Function>
    void soon(Function call)
    {
        s.spawn([this, call]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            call();
        });
    }

    simulation& s;
    weir::sim::network all;
    std::unique_ptr<weir::sim::context> home;
    std::unique_ptr<http::fetcher> fetcher;
    simulated_server server;
    int taken = 0;
    int results = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_cancellation_rows)

BOOST_AUTO_TEST_CASE(a_request_of_any_form_that_is_cancelled_is_aborted)
{
    const auto ends = [](auto begin) {
        simulation s(1);
        auto w = in_halves(s);
        asio::cancellation_signal stop;
        std::optional<http::error_class> end;
        const auto handler = [&](const http::response& answer) {
            BOOST_REQUIRE(answer.error.has_value());
            end = answer.error->kind();
        };
        begin(*w.client, stop.slot(), handler);
        s.spawn([&]() -> asio::awaitable<void> {
            co_await weir::async_sleep_for(s.a.get_executor(), 500ms);
            stop.emit(asio::cancellation_type::terminal);
        });
        s.run();
        BOOST_TEST((end == error_class::aborted));
        BOOST_TEST(w.client->connections() == 0U);
        BOOST_TEST(w.all.descriptors() == 0U);
    };
    ends([](http::client& by, auto slot, auto handler) {
        by.async_get("http://192.0.2.1/", asio::bind_cancellation_slot(slot, handler));
    });
    ends([](http::client& by, auto slot, auto handler) {
        const http::body_sink sink = [](std::string_view) { return weir::error_code(); };
        by.async_request_into(ask(), sink, asio::bind_cancellation_slot(slot, handler));
    });
    ends([](http::client& by, auto slot, auto handler) {
        by.async_open(ask(), asio::bind_cancellation_slot(
                                 slot, [=](http::open_response open) { handler(open.answer()); }));
    });
}

BOOST_AUTO_TEST_CASE(a_request_and_an_opened_response_outlive_their_client)
{
    simulation s(1);
    auto w = in_halves(s);
    s.spawn([&]() -> asio::awaitable<void> {
        const http::response answer = co_await w.client->async_request(ask());
        BOOST_TEST(!answer.error);
        BOOST_TEST(answer.body == "halfrest");
    });
    s.spawn([&]() -> asio::awaitable<void> {
        auto open = co_await w.client->async_open(ask());
        w.client.reset();
        std::string got;
        for (;;) {
            const std::string_view part = co_await open.next();
            if (part.empty())
                break;
            got += part;
        }
        BOOST_TEST(!open.answer().error);
        BOOST_TEST(got == "halfrest");
    });
    s.run();
    BOOST_TEST(w.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(a_wait_for_a_part_is_dropped_with_its_context)
{
    simulation s(1);
    auto w = in_halves(s);
    auto home = std::make_unique<weir::sim::context>(s.world);
    bool has_begun = false;
    bool has_ended = false;
    const auto pull = [&]() -> asio::awaitable<void> {
        auto open = co_await w.client->async_open(ask());
        has_begun = !(co_await open.next()).empty();
        co_await open.next();
        has_ended = true;
    };
    asio::co_spawn(home->get_executor(), pull(),
                   [&](const std::exception_ptr&) { has_ended = true; });
    s.spawn([&]() -> asio::awaitable<void> {
        co_await weir::async_sleep_for(s.a.get_executor(), 3s);
        home.reset();
    });
    s.run();
    BOOST_TEST(has_begun);
    BOOST_TEST(!has_ended);
    BOOST_TEST(w.client->connections() == 0U);
    BOOST_TEST(w.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_cancelled_waits_for_what_runs_and_throws)
{
    simulation s(1);
    fetching f(s);
    asio::cancellation_signal stop;
    std::optional<weir::error_code> end;
    const auto ended = [&](const std::exception_ptr& error) {
        try {
            BOOST_REQUIRE(error);
            std::rethrow_exception(error);
        } catch (const weir::system_error& e) {
            end = e.code();
        }
    };
    f.start(asio::bind_cancellation_slot(stop.slot(), ended));
    f.soon([&] { stop.emit(asio::cancellation_type::terminal); });
    s.run();
    BOOST_REQUIRE(end.has_value());
    BOOST_TEST((*end == asio::error::operation_aborted));
    BOOST_TEST((s.elapsed() == 500ms));
    BOOST_TEST(f.taken == 3);
    BOOST_TEST(f.results == 0);
    BOOST_TEST(f.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(a_run_is_dropped_with_its_context)
{
    simulation s(1);
    fetching f(s);
    bool has_ended = false;
    f.start([&](const std::exception_ptr&) { has_ended = true; });
    f.soon([&] { f.home.reset(); });
    s.run();
    f.fetcher.reset();
    BOOST_TEST(!has_ended);
    BOOST_TEST(f.taken == 3);
    BOOST_TEST(f.results == 0);
    BOOST_TEST(f.all.descriptors() == 0U);
}

BOOST_AUTO_TEST_CASE(a_second_run_is_refused)
{
    simulation s(1);
    fetching f(s);
    int good = 0;
    int refused = 0;
    const auto ended = [&](const std::exception_ptr& error) {
        try {
            if (error)
                std::rethrow_exception(error);
            ++good;
        } catch (const std::logic_error&) {
            ++refused;
        }
    };
    f.start(ended);
    f.start(ended);
    s.run();
    BOOST_TEST(good == 1);
    BOOST_TEST(refused == 1);
    BOOST_TEST(f.results == 3);
}

BOOST_AUTO_TEST_CASE(a_run_outlives_its_fetcher)
{
    simulation s(1);
    fetching f(s);
    bool has_ended = false;
    f.start([&](const std::exception_ptr& error) { has_ended = !error; });
    f.soon([&] { f.fetcher.reset(); });
    s.run();
    BOOST_TEST(has_ended);
    BOOST_TEST(f.results == 3);
}

BOOST_AUTO_TEST_SUITE_END()
