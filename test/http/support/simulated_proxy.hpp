#pragma once

#include "http/support/simulated_server.hpp"

#include <weir/sim/context.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/stream.hpp>
#include <weir/sim/stream_options.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace weir::test {

/// A proxy in a simulated network, which is the server behind it as well: it answers what it should
/// forward with "forwarded" and the target, and what comes through a tunnel with "tunnelled".
class simulated_proxy {
public:
    /// The reply to a CONNECT. After a whole reply with 200 there is a tunnel; after another one
    /// it closes; an empty one is never sent.
    using replies = std::function<std::string(const std::string& head)>;

    /// `secured` for one that is reached over TLS.
    simulated_proxy(sim::network& all, sim::network::endpoint at, sim::context& there, replies by,
                    const sim::stream_options& options = sim::stream_options(),
                    bool secured = false)
        : there_(there), by_(std::move(by)), secured_(secured)
    {
        all.add_server(
            at, there, [this](sim::stream end) { serve(std::move(end)); }, options);
    }

    std::size_t connections = 0;
    std::vector<std::string> heads;     // of requests to the proxy
    std::vector<std::string> tunnelled; // heads in tunnels

private:
    static constexpr auto quietly = boost::asio::as_tuple(boost::asio::use_awaitable);

    void serve(sim::stream end)
    {
        ++connections;
        const auto kept = std::make_shared<sim::stream>(std::move(end));
        there_.spawn([this, kept] { return talk(kept); }, "a proxy's connection");
    }

    boost::asio::awaitable<void> talk(std::shared_ptr<sim::stream> end)
    {
        std::string received;
        if (secured_)
            co_await shake_hands(*end);
        for (;;) {
            std::string head = co_await read_head(*end, received);
            if (head.empty())
                break;
            heads.push_back(head);
            const std::string target = target_of(head);
            if (!head.starts_with("CONNECT ")) {
                co_await say(*end, ok("forwarded " + target).bytes);
                continue;
            }
            const std::string reply = by_(head);
            co_await say(*end, reply);
            if (reply.starts_with("HTTP/1.1 200") && reply.find("\r\n\r\n") != reply.npos)
                co_await through(*end, received);
            if (!reply.empty())
                break;
        }
        end->close();
    }

    boost::asio::awaitable<void> through(sim::stream& end, std::string& received)
    {
        co_await shake_hands(end);
        for (;;) {
            std::string head = co_await read_head(end, received);
            if (head.empty())
                co_return;
            tunnelled.push_back(head);
            co_await say(end, ok("tunnelled " + target_of(head)).bytes);
        }
    }

    // The modelled TLS of two round trips.
    boost::asio::awaitable<void> shake_hands(sim::stream& end)
    {
        for (int n = 0; n < 2; ++n) {
            char byte = 0;
            const auto got =
                co_await boost::asio::async_read(end, boost::asio::buffer(&byte, 1), quietly);
            if (std::get<0>(got))
                co_return;
            co_await say(end, "h");
        }
    }

    boost::asio::awaitable<std::string> read_head(sim::stream& end, std::string& received)
    {
        const auto got = co_await boost::asio::async_read_until(
            end, boost::asio::dynamic_buffer(received), "\r\n\r\n", quietly);
        if (std::get<0>(got))
            co_return std::string();
        std::string head = received.substr(0, std::get<1>(got));
        received.erase(0, head.size());
        co_return head;
    }

    boost::asio::awaitable<void> say(sim::stream& end, std::string bytes)
    {
        co_await boost::asio::async_write(end, boost::asio::buffer(bytes), quietly);
    }

    static std::string target_of(const std::string& head)
    {
        const auto begin = head.find(' ') + 1;
        return head.substr(begin, head.find(' ', begin) - begin);
    }

    sim::context& there_;
    replies by_;
    bool secured_;
};

} // namespace weir::test
