// A request with ten files, each put to a store that answers 429 above 16 at a time: the handler
// that everybody writes, four times. Twenty requests come at once, in virtual time.
#include <weir/http/client.hpp>
#include <weir/http/simulated_network.hpp>
#include <weir/sim/world.hpp>
#include <weir/weir.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
namespace sim = weir::sim;
using namespace std::chrono_literals;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

// ---- the store: each file takes it 50 ms, and it takes 16 at a time

constexpr std::size_t file_size = 1000;

struct store {
    sim::context& there;
    weir::semaphore room{there.get_executor(), 16};
    int refused = 0;

    asio::awaitable<std::string> put()
    {
        const weir::permit place = room.try_acquire();
        if (!place) {
            ++refused;
            co_return "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
        }
        co_await weir::async_sleep_for(there.get_executor(), 50ms);
        co_return "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    }

    asio::awaitable<void> serve(std::shared_ptr<sim::stream> end)
    {
        for (std::string got;;) {
            const auto read = co_await asio::async_read_until(*end, asio::dynamic_buffer(got),
                                                              "\r\n\r\n", quietly);
            const auto& [error, head] = read;
            if (error)
                co_return;
            const std::size_t whole = head + file_size;
            if (got.size() < whole) {
                const auto rest = asio::transfer_exactly(whole - got.size());
                co_await asio::async_read(*end, asio::dynamic_buffer(got), rest, quietly);
            }
            got.erase(0, whole);
            const std::string answer = co_await put();
            co_await asio::async_write(*end, asio::buffer(answer), quietly);
        }
    }
};

// ---- the handler, four times. It fails whole, with the first error.

using files = std::vector<std::string>;

asio::awaitable<void> put(http::client& client, const std::string& file)
{
    http::request ask(http::url::parse("http://192.0.2.1/store").value(), "PUT");
    ask.body(http::request_body::text(file));
    const http::response answer = co_await client.async_request(std::move(ask));
    if (answer.error || answer.status != 201)
        throw std::runtime_error("the store does not take it");
}

// [handlers]
asio::awaitable<void> sequential(http::client& client, const files& all, weir::semaphore&)
{
    for (const std::string& file : all)
        co_await put(client, file);
}

asio::awaitable<void> unbounded(http::client& client, const files& all, weir::semaphore&)
{
    const auto one = [&](const std::string& file) { return put(client, file); };
    co_await weir::for_each(all, weir::unlimited, one);
}

asio::awaitable<void> three_workers(http::client& client, const files& all, weir::semaphore&)
{
    const auto one = [&](const std::string& file) { return put(client, file); };
    co_await weir::for_each(all, 3, one);
}

asio::awaitable<void> one_limit(http::client& client, const files& all, weir::semaphore& limit)
{
    const auto one = [&](const std::string& file) -> asio::awaitable<void> {
        const weir::permit place = co_await limit.async_acquire(); // the same for all requests
        co_await put(client, file);
    };
    co_await weir::for_each(all, weir::unlimited, one);
}
// [/handlers]

// ---- twenty requests

using way = asio::awaitable<void> (*)(http::client&, const files&, weir::semaphore&);

int try_with(const char* name, way handle)
{
    sim::world world(1);
    sim::context here(world), there(world);
    sim::network network(world);
    store far{there};
    network.add_server({asio::ip::make_address("192.0.2.1"), 80}, there, [&](sim::stream end) {
        const auto kept = std::make_shared<sim::stream>(std::move(end));
        there.spawn([&far, kept] { return far.serve(kept); }, "the store");
    });
    int good = 0;
    const auto all_requests = [&]() -> asio::awaitable<void> {
        const auto lines = std::make_shared<http::simulated_network>(here, network);
        http::client client(here.get_executor(), http::client_options().per_host(weir::unlimited),
                            lines);
        weir::semaphore limit(here.get_executor(), 16);
        const files ten(10, std::string(file_size, 'x'));
        const auto request = [&](int) -> asio::awaitable<void> {
            bool failed = false;
            try {
                co_await handle(client, ten, limit);
            } catch (const std::runtime_error&) {
                failed = true;
            }
            good += failed ? 0 : 1;
        };
        co_await weir::for_each(std::vector<int>(20), weir::unlimited, request);
    };
    here.spawn(all_requests, "the requests");
    world.run_to_end();
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(world.now() - world.began());
    std::printf("%-14s %2d of 20 requests succeeded, %3d files were refused, in %d ms\n", name,
                good, far.refused, static_cast<int>(took.count()));
    return good;
}

int main()
{
    const int in_order = try_with("sequential", sequential);
    const int at_once = try_with("unbounded", unbounded);
    const int by_three = try_with("three workers", three_workers);
    const int limited = try_with("one limit", one_limit);
    return limited == 20 && in_order < 20 && at_once < 20 && by_three < 20 ? 0 : 1;
}
