// A server with an io_context of its own: a pool serves its connections, two at a time.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <memory>

namespace asio = boost::asio;
using asio::ip::tcp;
using connection = std::shared_ptr<tcp::socket>;
using pool = weir::worker_pool<connection, void>;

asio::awaitable<void> answer(connection client)
{
    co_await weir::async_sleep_for(client->get_executor(), std::chrono::milliseconds(5));
    const char byte = 'w';
    co_await client->async_send(asio::buffer(&byte, 1), asio::use_awaitable);
}

asio::awaitable<void> serve(tcp::acceptor& acceptor, pool& work, int connections)
{
    for (int i = 0; i < connections; ++i) {
        auto client = std::make_shared<tcp::socket>(acceptor.get_executor());
        co_await acceptor.async_accept(*client, asio::use_awaitable);
        if (!co_await work.async_submit(client)) // full: the next client waits in the backlog
            break;
    }
    const auto report = co_await work.drain(std::chrono::seconds(5));
    std::printf("%llu served\n", static_cast<unsigned long long>(report.ledger.ok));
}

asio::awaitable<void> visit(tcp::endpoint server, int& answers)
{
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(server, asio::use_awaitable);
    char byte = 0;
    answers += co_await socket.async_receive(asio::buffer(&byte, 1), asio::use_awaitable) == 1;
}

int main()
{
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto options = weir::pool_options(2).queue(8).discard_results();
    pool work({io.get_executor()}, options, answer);
    const auto rethrow = [](std::exception_ptr e) {
        if (e)
            std::rethrow_exception(e);
    };
    int answers = 0;
    asio::co_spawn(io, serve(acceptor, work, 10), rethrow);
    for (int i = 0; i < 10; ++i)
        asio::co_spawn(io, visit(acceptor.local_endpoint(), answers), rethrow);
    io.run();
    return answers == 10 ? 0 : 1;
}
