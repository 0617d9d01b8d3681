#pragma once

#include <weir/error.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/stream.hpp>
#include <weir/sim/stream_options.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace weir::test {

/// An answer, and whether the connection is closed after it.
struct simulated_answer {
    std::string bytes;
    bool closes = false;
};

inline simulated_answer ok(const std::string& body)
{
    return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
            false};
}

/// An HTTP server in a simulated network. It answers one request after another on each connection.
class simulated_server {
public:
    /// Makes the answer to a request for this target, such as `/a`.
    using answers = std::function<simulated_answer(const std::string& target)>;

    simulated_server(sim::network& all, sim::network::endpoint at, sim::context& there, answers by,
                     const sim::stream_options& options = sim::stream_options(),
                     unsigned tls_round_trips = 0)
        : there_(there), by_(std::move(by)), tls_round_trips_(tls_round_trips)
    {
        all.add_server(
            at, there, [this](sim::stream end) { serve(std::move(end)); }, options);
    }

    /// Loses all connections.
    void reset()
    {
        for (const auto& each : connections_)
            each.second->reset();
    }
    /// Closes all connections, as an idle server does.
    void close()
    {
        for (const auto& each : connections_)
            each.second->close();
    }

    std::size_t connections() const { return connections_.size(); }
    std::size_t answered = 0;
    std::multiset<std::string> asked; // the targets

private:
    using line = std::shared_ptr<sim::stream>;

    void serve(sim::stream end)
    {
        const auto kept = std::make_shared<sim::stream>(std::move(end));
        there_.spawn([this, kept] { return talk(kept); }, "a server's connection");
    }

    boost::asio::awaitable<void> talk(line end)
    {
        const std::size_t number = ++accepted_;
        connections_.emplace(number, end);
        co_await answer_all(*end);
        end->close();
        connections_.erase(number);
    }

    boost::asio::awaitable<void> answer_all(sim::stream& end)
    {
        namespace asio = boost::asio;
        constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
        for (unsigned n = 0; n < tls_round_trips_; ++n) {
            char byte = 0;
            const auto got = co_await asio::async_read(end, asio::buffer(&byte, 1), quietly);
            if (std::get<0>(got))
                co_return;
            const auto sent = co_await asio::async_write(end, asio::buffer(&byte, 1), quietly);
            if (std::get<0>(sent))
                co_return;
        }
        std::string received;
        for (;;) {
            const auto head = co_await asio::async_read_until(end, asio::dynamic_buffer(received),
                                                              "\r\n\r\n", quietly);
            if (std::get<0>(head))
                co_return;
            const std::size_t begin = received.find(' ') + 1;
            const std::string target = received.substr(begin, received.find(' ', begin) - begin);
            received.erase(0, std::get<1>(head));
            asked.insert(target);
            const simulated_answer answer = by_(target);
            const auto sent = co_await asio::async_write(end, asio::buffer(answer.bytes), quietly);
            if (std::get<0>(sent) || answer.closes)
                co_return;
            ++answered;
        }
    }

    sim::context& there_;
    answers by_;
    unsigned tls_round_trips_;
    std::size_t accepted_ = 0;
    std::map<std::size_t, line> connections_; // not by address: each run goes the same way
};

} // namespace weir::test
