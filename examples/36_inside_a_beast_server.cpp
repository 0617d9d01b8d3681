// A Boost.Beast server whose handler makes requests of its own: all requests share one limit, the
// caller's deadline is passed on, and what is made for a caller ends when the caller goes.
#include <weir/http/client.hpp>
#include <weir/weir.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;
using question = bhttp::request<bhttp::empty_body>;
using reply = bhttp::response<bhttp::string_body>;

struct service {
    http::client client;
    weir::semaphore places; // for what is fetched, whichever request it is for
    std::vector<std::string> pages;
    int left = 0; // callers that did not wait for their answer
};

// [gather]
asio::awaitable<std::string> gather(service& all, weir::time_point deadline)
{
    std::uint64_t bytes = 0;
    const auto one = [&](const std::string& url) -> asio::awaitable<void> {
        const weir::permit place = co_await all.places.async_acquire();
        const auto rest = deadline - weir::now(all.client.get_executor());
        http::request ask(http::url::parse(url).value());
        ask.header("X-Timeout-Ms", std::to_string(rest / 1ms)); // what the next server has left
        const http::response got = co_await all.client.async_request(std::move(ask));
        if (got.error)
            throw http::failed(*got.error);
        bytes += got.bytes;
    };
    co_await weir::for_each(all.pages, weir::unlimited, one);
    co_return std::to_string(bytes) + " bytes";
}
// [/gather]

// [answer]
asio::awaitable<void> watch(tcp::socket& caller)
{
    char next = 0; // byte of the caller's: looked at, and left where it is
    const auto seen = co_await caller.async_receive(
        asio::buffer(&next, 1), tcp::socket::message_peek, asio::as_tuple(asio::use_awaitable));
    const auto& error = std::get<0>(seen);
    if (error && error != asio::error::operation_aborted)
        throw weir::system_error(error);
}

asio::awaitable<reply> answer(service& all, tcp::socket& caller, const question& asked)
{
    const std::string wish = asked["X-Timeout-Ms"]; // nothing, if the caller is in no hurry
    const long time = wish.empty() ? 30000 : std::strtol(wish.c_str(), nullptr, 10);
    const auto deadline = weir::now(all.client.get_executor()) + std::clamp(time, 1L, 30000L) * 1ms;
    const auto work = [&](weir::scope& both) -> asio::awaitable<std::string> {
        both.spawn(watch(caller)); // when this throws, the other is cancelled
        std::string text = co_await weir::with_deadline(deadline, gather(all, deadline));
        both.cancel(); // the watch
        co_return text;
    };
    reply said(bhttp::status::ok, asked.version());
    try {
        said.body() = co_await weir::with_scope(work);
    } catch (const http::failed&) {
        said.result(bhttp::status::bad_gateway);
    } catch (const weir::system_error& e) {
        if (e.code() != weir::errc::timed_out) {
            ++all.left;
            throw; // there is no one to answer
        }
        said.result(bhttp::status::gateway_timeout);
    }
    said.keep_alive(asked.keep_alive());
    said.prepare_payload();
    co_return said;
}
// [/answer]

asio::awaitable<void> session(service& all, tcp::socket caller)
{
    boost::beast::flat_buffer buffer;
    try {
        for (bool more = true; more;) {
            question asked;
            co_await bhttp::async_read(caller, buffer, asked, asio::use_awaitable);
            const reply said = co_await answer(all, caller, asked);
            co_await bhttp::async_write(caller, said, asio::use_awaitable);
            more = said.keep_alive();
        }
    } catch (const weir::system_error&) {
        // The caller has gone.
    }
}

asio::awaitable<void> serve(service& all, tcp::acceptor& door, int connections)
{
    const auto accept = [&](weir::scope& sessions) -> asio::awaitable<void> {
        for (int i = 0; i < connections; ++i) {
            tcp::socket caller = co_await door.async_accept(asio::use_awaitable);
            sessions.spawn(session(all, std::move(caller)));
        }
    };
    co_await weir::with_scope(accept);
}

// One caller that waits, one with a millisecond, and one that sends its request and leaves.
asio::awaitable<void> call(service& all, tcp::endpoint server, bool& as_expected)
{
    const auto ask = [&](const char* time) -> asio::awaitable<unsigned> {
        const std::string url = "http://127.0.0.1:" + std::to_string(server.port());
        http::request what(http::url::parse(url).value());
        what.header("X-Timeout-Ms", time);
        const http::response got = co_await all.client.async_request(std::move(what));
        std::printf("%s ms: %u %s\n", time, got.status, got.body.c_str());
        co_return got.status;
    };
    as_expected = co_await ask("30000") == 200;
    as_expected = co_await ask("1") == 504 && as_expected;
    all.client.close_idle();
    tcp::socket leaving(all.client.get_executor());
    co_await leaving.async_connect(server, asio::use_awaitable);
    const std::string text = "GET / HTTP/1.1\r\n\r\n";
    co_await asio::async_write(leaving, asio::buffer(text), asio::use_awaitable);
}

int main(int count, char** arguments)
{
    asio::io_context io;
    const auto here = io.get_executor();
    service all{http::client(here), {here, 4}, {arguments + 1, arguments + count}};
    tcp::acceptor door(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    bool as_expected = false;
    asio::co_spawn(io, serve(all, door, 2), rethrow); // two connections, and not for ever
    asio::co_spawn(io, call(all, door.local_endpoint(), as_expected), rethrow);
    io.run();
    std::printf("%d left, %zu places are in use\n", all.left, all.places.in_use());
    return as_expected && all.left == 1 && all.places.in_use() == 0 ? 0 : 1;
}
