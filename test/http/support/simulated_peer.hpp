#pragma once

#include <weir/sim/context.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/stream.hpp>
#include <weir/sim/stream_options.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace weir::test {

/// The server's end of a connection, for a test that says step by step what the server does. It
/// throws when the connection is gone.
class simulated_peer {
public:
    explicit simulated_peer(sim::stream end) : line_(std::move(end)) {}

    /// The header of the next request.
    boost::asio::awaitable<std::string> head()
    {
        const auto size = co_await boost::asio::async_read_until(
            line_, boost::asio::dynamic_buffer(in_), "\r\n\r\n", boost::asio::use_awaitable);
        co_return cut(size);
    }
    /// This many bytes.
    boost::asio::awaitable<std::string> take(std::size_t size)
    {
        while (in_.size() < size)
            co_await more();
        co_return cut(size);
    }
    /// A body in chunks, as it stands on the wire.
    boost::asio::awaitable<std::string> take_chunks()
    {
        while (in_.find("0\r\n\r\n") == std::string::npos)
            co_await more();
        co_return cut(in_.find("0\r\n\r\n") + 5);
    }
    /// What has arrived; waits when there is nothing.
    boost::asio::awaitable<std::string> some()
    {
        if (in_.empty())
            co_await more();
        co_return std::exchange(in_, std::string());
    }
    boost::asio::awaitable<void> say(std::string text)
    {
        co_await boost::asio::async_write(line_, boost::asio::buffer(text),
                                          boost::asio::use_awaitable);
    }
    sim::stream& line() { return line_; }

private:
    boost::asio::awaitable<void> more()
    {
        std::array<char, 1000> bytes;
        const auto n =
            co_await line_.async_read_some(boost::asio::buffer(bytes), boost::asio::use_awaitable);
        in_.append(bytes.data(), n);
    }
    std::string cut(std::size_t size)
    {
        std::string front = in_.substr(0, size);
        in_.erase(0, size);
        return front;
    }

    sim::stream line_;
    std::string in_;
};

/// Plays the same script on each connection, which is closed after it.
class simulated_peers {
public:
    using script = std::function<boost::asio::awaitable<void>(simulated_peer& by)>;

    simulated_peers(sim::network& all, sim::network::endpoint at, sim::context& there, script play,
                    const sim::stream_options& options = sim::stream_options())
        : there_(there), play_(std::move(play))
    {
        all.add_server(
            at, there, [this](sim::stream end) { accept(std::move(end)); }, options);
    }

    /// Loses the connection that was made last.
    void reset()
    {
        if (const auto end = last_.lock())
            end->line().reset();
    }

    std::size_t connections = 0; // accepted in all

private:
    void accept(sim::stream end)
    {
        ++connections;
        const auto kept = std::make_shared<simulated_peer>(std::move(end));
        last_ = kept;
        there_.spawn([this, kept] { return play(kept); }, "a server's connection");
    }

    boost::asio::awaitable<void> play(std::shared_ptr<simulated_peer> by)
    {
        try {
            co_await play_(*by);
        } catch (const boost::system::system_error&) {
            // The client has closed it.
        }
        by->line().close();
    }

    sim::context& there_;
    script play_;
    std::weak_ptr<simulated_peer> last_;
};

} // namespace weir::test
