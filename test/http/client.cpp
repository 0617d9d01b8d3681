#include <weir/http/client.hpp>

#include <weir/policy/timeout.hpp>
#include <weir/run/scope.hpp>

#include "http/support/server.hpp"
#include "support/watchdog.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/completion_condition.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using weir::test::server;

BOOST_AUTO_TEST_SUITE(http_client)

// One thread, real sockets on loopback, and an end in any case.
struct fixture {
    explicit fixture(server::answers answers) : peer(io, std::move(answers)) {}

    void run(std::function<asio::awaitable<void>()> test)
    {
        const auto whole = [&]() -> asio::awaitable<void> {
            co_await test();
            client.reset();
            peer.stop();
            io.stop();
        };
        std::exception_ptr error;
        asio::co_spawn(io, whole, [&](std::exception_ptr e) {
            error = e;
            io.stop();
        });
        io.run();
        if (error)
            std::rethrow_exception(error);
    }

    asio::awaitable<http::response> get(std::string url)
    {
        http::request ask(http::url::parse(url).value());
        http::body_sink sink = [this](std::string_view part) {
            body += part;
            return weir::error_code();
        };
        body.clear();
        co_return co_await client->async_request_into(std::move(ask), std::move(sink));
    }

    void with(http::client_options options)
    {
        client.emplace(io.get_executor(), std::move(options));
    }

    const weir::test::watchdog guard;
    asio::io_context io{1};
    server peer;
    std::optional<http::client> client;
    std::string body;
};

std::string ok(const std::string& body)
{
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

BOOST_AUTO_TEST_CASE(its_context_may_end_before_it)
{
    for (const bool on_a_strand : {false, true}) {
        auto io = std::make_unique<asio::io_context>();
        const auto home = [&]() -> asio::any_io_executor {
            if (on_a_strand)
                return asio::make_strand(*io);
            return io->get_executor();
        };
        fixture f([](const std::string& path, int) { return server::reply{ok(path)}; });
        const http::client unused(home());
        http::client used(home());
        used.async_get(f.peer.url("/x"), [&](const http::response& answer) {
            BOOST_TEST(!answer.error);
            io->stop();
        });
        while (!io->stopped()) {
            f.io.poll();
            io->poll();
        }
        BOOST_TEST(used.idle() == 1U);

        io.reset();
        BOOST_TEST(used.connections() == 0U);
        BOOST_TEST(used.idle() == 0U);
        BOOST_TEST(!used.has_idle(f.peer.url("")));
        BOOST_TEST(!used.get_executor());
        used.close_idle();
    }
}

BOOST_AUTO_TEST_CASE(its_context_may_end_in_the_middle_of_a_call)
{
    // 0: the look-up; then more of the connection and of the exchange each time.
    for (int steps = 0; steps != 12; ++steps) {
        auto io = std::make_unique<asio::io_context>();
        fixture f([](const std::string&, int) { return server::reply{ok("abc").substr(0, 40)}; });
        http::client client(asio::make_strand(*io));
        bool called = false;
        const auto seen = std::make_shared<int>();
        client.async_get(f.peer.url("/x"),
                         [&called, seen](const http::response&) { called = true; });
        for (int i = 0; i != steps; ++i) {
            io->poll_one();
            f.io.poll();
        }
        BOOST_TEST(seen.use_count() == 2);

        io.reset();
        BOOST_TEST(!called);
        BOOST_TEST(seen.use_count() == 1);
        BOOST_TEST(client.connections() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_request_without_a_context_is_aborted)
{
    for (const bool on_a_strand : {false, true}) {
        auto io = std::make_unique<asio::io_context>();
        asio::any_io_executor home = io->get_executor();
        if (on_a_strand)
            home = asio::make_strand(*io);
        http::client client(std::move(home));
        io.reset();

        asio::io_context here;
        const http::request ask(http::url::parse("http://127.0.0.1/").value());
        const http::body_sink sink = [](std::string_view) { return weir::error_code(); };
        int aborted = 0;
        const auto is_aborted = [&](const http::response& answer) {
            BOOST_REQUIRE(answer.error.has_value());
            BOOST_TEST((answer.error->kind() == http::error_class::aborted));
            ++aborted;
        };
        const auto none_opened = [&](const http::open_response& open) {
            is_aborted(open.answer());
        };
        client.async_request(ask, asio::bind_executor(here, is_aborted));
        client.async_get("http://127.0.0.1/", asio::bind_executor(here, is_aborted));
        client.async_get("nonsense://", asio::bind_executor(here, is_aborted));
        client.async_request_into(ask, sink, asio::bind_executor(here, is_aborted));
        client.async_open(ask, asio::bind_executor(here, none_opened));
        const auto awaited = [&]() -> asio::awaitable<void> {
            const http::hop made = co_await client.step(ask, sink);
            is_aborted(made.answer);
        };
        asio::co_spawn(here, awaited(), asio::detached);
        BOOST_TEST(aborted == 0);
        here.run();
        BOOST_TEST(aborted == 6);

        // There is nowhere to call this one.
        const auto seen = std::make_shared<int>();
        client.async_request(ask, [&aborted, seen](const http::response&) { ++aborted; });
        BOOST_TEST(seen.use_count() == 1);
        BOOST_TEST(aborted == 6);
    }
}

BOOST_AUTO_TEST_CASE(a_connection_is_used_again)
{
    fixture f([](const std::string& path, int) { return server::reply{ok(path)}; });
    f.with(http::client_options());
    f.run([&]() -> asio::awaitable<void> {
        for (int i = 0; i < 5; ++i) {
            const auto answer = co_await f.get(f.peer.url("/x"));
            BOOST_TEST(answer.status == 200U);
            BOOST_TEST(!answer.error);
            BOOST_TEST(answer.reused == (i > 0));
            BOOST_TEST(f.body == "/x");
        }
        BOOST_TEST(f.client->idle() == 1U);
    });
    BOOST_TEST(f.peer.connections() == 1);
}

BOOST_AUTO_TEST_CASE(one_that_the_server_closed_is_replaced_without_a_word)
{
    fixture f([](const std::string&, int n) {
        return n == 0 ? server::reply{ok("a")} : server::reply{"", true};
    });
    f.with(http::client_options());
    f.run([&]() -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i) {
            const auto answer = co_await f.get(f.peer.url("/"));
            BOOST_TEST(!answer.error);
            BOOST_TEST(f.body == "a");
        }
    });
    BOOST_TEST(f.peer.connections() == 3);
}

BOOST_AUTO_TEST_CASE(redirects_are_followed_but_not_forever)
{
    fixture f([](const std::string& path, int) {
        if (path == "/end")
            return server::reply{ok("here")};
        const std::string to = path == "/loop" ? "/loop" : "/end";
        return server::reply{"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to +
                             "\r\n\r\n"};
    });
    f.with(http::client_options());
    f.run([&]() -> asio::awaitable<void> {
        const auto answer = co_await f.get(f.peer.url("/start"));
        BOOST_TEST(!answer.error);
        BOOST_TEST(f.body == "here");
        const auto loop = co_await f.get(f.peer.url("/loop"));
        BOOST_REQUIRE(loop.error.has_value());
        BOOST_TEST((loop.error->kind() == http::error_class::redirect));
    });
    BOOST_TEST(f.peer.requests() == 2 + 11);
}

BOOST_AUTO_TEST_CASE(each_failure_has_its_class)
{
    fixture f([](const std::string& path, int) {
        if (path == "/short")
            return server::reply{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true};
        if (path == "/junk")
            return server::reply{"what?\r\n\r\n", true};
        if (path == "/empty")
            return server::reply{"", true};
        return server::reply{ok(std::string(100, 'x'))};
    });
    http::client_options small;
    small.max_body(10);
    f.with(small);
    f.run([&]() -> asio::awaitable<void> {
        const std::pair<const char*, http::error_class> rows[] = {
            {"/short", http::error_class::incomplete},
            {"/junk", http::error_class::protocol},
            {"/empty", http::error_class::incomplete},
            {"/large", http::error_class::too_large},
        };
        for (const auto& [path, kind] : rows) {
            const auto answer = co_await f.get(f.peer.url(path));
            BOOST_TEST_CONTEXT(path)
            {
                BOOST_REQUIRE(answer.error.has_value());
                BOOST_TEST(name(answer.error->kind()) == name(kind));
                BOOST_TEST(!answer.error->text().empty());
            }
        }
        const auto refused = co_await f.get("http://127.0.0.1:1/");
        BOOST_REQUIRE(refused.error.has_value());
        BOOST_TEST((refused.error->kind() == http::error_class::connect));
    });
}

BOOST_AUTO_TEST_CASE(a_silent_server_is_left_when_the_time_is_over)
{
    fixture f([](const std::string&, int) { return server::reply{"", false, true}; });
    f.with(http::client_options());
    f.run([&]() -> asio::awaitable<void> {
        const auto answer = co_await weir::with_timeout(50ms, f.get(f.peer.url("/")));
        BOOST_REQUIRE(answer.error.has_value());
        BOOST_TEST((answer.error->kind() == http::error_class::aborted));
        BOOST_TEST(f.client->connections() == 0U); // the connection is not kept
    });
}

BOOST_AUTO_TEST_CASE(a_host_never_has_more_connections_than_its_limit)
{
    fixture f([](const std::string& path, int) { return server::reply{ok(path)}; });
    http::client_options options;
    options.per_host(3);
    f.with(options);
    f.run([&]() -> asio::awaitable<void> {
        weir::scope all(f.io.get_executor());
        int good = 0;
        const auto one = [&]() -> asio::awaitable<void> {
            http::request ask(http::url::parse(f.peer.url("/")).value());
            const auto answer = co_await f.client->async_request_into(std::move(ask), nullptr);
            good += answer.error ? 0 : 1;
        };
        for (int i = 0; i < 50; ++i)
            all.spawn(one());
        co_await all.join();
        BOOST_TEST(good == 50);
    });
    BOOST_TEST(f.peer.most() == 3);
    BOOST_TEST(f.peer.connections() == 3);
}

// Reads a request with 100 (Continue) and a length, and answers with how many bytes came.
asio::awaitable<void> count_body(asio::ip::tcp::acceptor& at)
{
    asio::ip::tcp::socket line = co_await at.async_accept(asio::use_awaitable);
    std::string in;
    const auto head = co_await asio::async_read_until(line, asio::dynamic_buffer(in), "\r\n\r\n",
                                                      asio::use_awaitable);
    const auto length = std::stoul(in.substr(in.find("Content-Length: ") + 16));
    in.erase(0, head);
    const std::string go = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(line, asio::buffer(go), asio::use_awaitable);
    if (in.size() < length)
        co_await asio::async_read(line, asio::dynamic_buffer(in),
                                  asio::transfer_exactly(length - in.size()), asio::use_awaitable);
    const std::string answer = ok(std::to_string(in.size()));
    co_await asio::async_write(line, asio::buffer(answer), asio::use_awaitable);
}

BOOST_AUTO_TEST_CASE(a_large_body_goes_through_sockets)
{
    fixture f([](const std::string&, int) { return server::reply{}; });
    asio::ip::tcp::acceptor at(f.io, {asio::ip::address_v4::loopback(), 0});
    asio::co_spawn(f.io, count_body(at), [](std::exception_ptr error) { BOOST_TEST(!error); });
    f.with(http::client_options());
    f.run([&]() -> asio::awaitable<void> {
        const auto port = std::to_string(at.local_endpoint().port());
        http::request ask(http::url::parse("http://127.0.0.1:" + port + "/").value(), "PUT");
        ask.body(http::request_body::text(std::string(20'000'000, 'x')));
        const auto answer = co_await f.client->async_request(std::move(ask));
        BOOST_TEST(!answer.error);
        BOOST_TEST(answer.body == "20000000");
        BOOST_TEST(answer.attempts.back().sent > 20'000'000U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
