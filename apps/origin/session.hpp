#pragma once

#include "item.hpp"
#include "meter.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <weir/error.hpp>

#include <cstdint>

namespace origin {

/// Serves one connection, from accept to close: reads a request, answers it, reads the next.
///
/// Threads: the server's, which is one.
/// Lifetime: outlives the coroutine that `run` returns.
class session {
public:
    session(boost::asio::ip::tcp::socket socket, const delay_range& delay, meter& counted);

    /// Serves until the client leaves, breaks the protocol or is silent for too long, or until
    /// `drain` or `stop`. An error of the connection ends this session and nothing else.
    boost::asio::awaitable<void> run();

    /// Answers the request being served, if there is one, and closes.
    void drain();

    /// Closes now, whatever is being served.
    void stop();

private:
    using request = boost::beast::http::request<boost::beast::http::empty_body>;
    using response = boost::beast::http::response<boost::beast::http::string_body>;

    boost::asio::awaitable<weir::error_code> read(request& into);
    boost::asio::awaitable<void> serve(const request& asked);
    boost::asio::awaitable<void> delay_answer(std::uint64_t item);
    boost::asio::awaitable<void> write(response& reply);
    boost::asio::awaitable<void> close();

    response answer(const request& asked) const;
    response refusal() const;

    boost::asio::ip::tcp::socket socket_;
    boost::asio::any_io_executor executor_;
    boost::beast::flat_buffer buffer_;
    const delay_range& delay_;
    meter& meter_;
    boost::asio::cancellation_signal stop_delay_;
    bool reading_ = false;
    bool last_ = false;
};

} // namespace origin
