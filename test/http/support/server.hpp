#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <string>
#include <utility>

namespace weir::test {

/// A server on loopback that answers each request with the bytes a test gives for its path.
class server {
public:
    struct reply {
        std::string bytes;
        bool close = false;
        bool silent = false; // reads, and never answers
    };
    using answers = std::function<reply(const std::string& path, int on_connection)>;

    server(boost::asio::io_context& io, answers a)
        : acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}), answers_(std::move(a))
    {
        boost::asio::co_spawn(io, accept(), [](std::exception_ptr) {});
    }

    std::string url(const std::string& path) const
    {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path;
    }
    void stop() { acceptor_.close(); }
    int connections() const { return connections_; }
    int requests() const { return requests_; }
    int most() const { return most_; }

private:
    using tcp = boost::asio::ip::tcp;

    boost::asio::awaitable<void> accept()
    {
        for (;;) {
            tcp::socket socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
            ++connections_;
            boost::asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)),
                                  [this](std::exception_ptr) { --open_; });
            most_ = std::max(most_, ++open_);
        }
    }

    boost::asio::awaitable<void> serve(tcp::socket socket)
    {
        std::string in;
        for (int n = 0;; ++n) {
            const auto size = co_await boost::asio::async_read_until(
                socket, boost::asio::dynamic_buffer(in), "\r\n\r\n", boost::asio::use_awaitable);
            const auto from = in.find(' ') + 1;
            const std::string path = in.substr(from, in.find(' ', from) - from);
            in.erase(0, size);
            ++requests_;
            const reply r = answers_(path, n);
            if (!r.silent)
                co_await boost::asio::async_write(socket, boost::asio::buffer(r.bytes),
                                                  boost::asio::use_awaitable);
            if (r.close)
                co_return;
        }
    }

    tcp::acceptor acceptor_;
    answers answers_;
    int connections_ = 0;
    int requests_ = 0;
    int open_ = 0;
    int most_ = 0;
};

} // namespace weir::test
