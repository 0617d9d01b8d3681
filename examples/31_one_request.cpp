// Fetches each URL given as an argument: one request after another, each with its whole body.
#include <weir/http/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace asio = boost::asio;
namespace http = weir::http;

// [one]
asio::awaitable<void> show(http::client& client, std::string url)
{
    const http::response answer = co_await client.async_get(url);
    if (answer.error)
        std::printf("%s: %s\n", url.c_str(), answer.error->text().c_str());
    else
        std::printf("%s: %u, %zu bytes\n", url.c_str(), answer.status, answer.body.size());
}
// [/one]

int main(int count, char** arguments)
{
    asio::io_context io;
    http::client client(io.get_executor());
    const auto all = [&]() -> asio::awaitable<void> {
        for (int i = 1; i < count; ++i)
            co_await show(client, arguments[i]);
        client.close_idle();
    };
    asio::co_spawn(io, all, [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    });
    io.run();
}
