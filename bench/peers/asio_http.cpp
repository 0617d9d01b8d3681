// GETs on 64 connections with Boost.Asio alone: it knows what the server answers, and looks only
// for its length.

#include "../support/bench.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// `http://127.0.0.1:PORT/`, of the driver.
tcp::endpoint server()
{
    const char* const url = std::getenv("WEIR_BENCH_URL");
    bench::require(url != nullptr, "bench/run.sh names the server");
    const std::string_view text(url);
    const auto port = std::strtoul(url + text.rfind(':') + 1, nullptr, 10);
    return {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)};
}

asio::awaitable<void> keep_asking(std::int64_t& left, std::uint64_t& answered)
{
    static const std::string ask = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: asio\r\n"
                                   "Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n";
    constexpr std::string_view field = "\r\nContent-Length: ";
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(server(), asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    socket.non_blocking(true);
    std::string text(16 * 1024, '\0');
    while (left > 0) {
        --left;
        boost::system::error_code error;
        std::size_t size = 0, whole = 1;
        bench::require(socket.write_some(asio::buffer(ask), error) == ask.size(), "not sent");
        while (size < whole) {
            co_await socket.async_wait(tcp::socket::wait_read, asio::use_awaitable);
            size += socket.read_some(asio::buffer(text.data() + size, text.size() - size), error);
            bench::require(!error || error == asio::error::would_block, "not answered");
            const std::string_view there(text.data(), size);
            const auto end = there.find("\r\n\r\n");
            const auto length = there.find(field);
            whole = size + 1;
            if (end != std::string_view::npos && length < end)
                whole = end + 4 + std::strtoul(&there[length + field.size()], nullptr, 10);
        }
        answered += size == whole && text.starts_with("HTTP/1.1 200") ? 1 : 0;
    }
}

bench::report get(std::int64_t items)
{
    asio::io_context io(1);
    std::int64_t left = items;
    std::uint64_t answered = 0;
    for (int i = 0; i != 64; ++i)
        asio::co_spawn(io, keep_asking(left, answered), bench::rethrow);
    io.run();
    return {answered, {}};
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv, {{"get", get}});
}
