#pragma once

#include <weir/error.hpp>
#include <weir/http/detail/io_step.hpp>
#include <weir/http/detail/tls_context.hpp>
#include <weir/http/detail/tls_session.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// A connected socket, with or without TLS. It waits until the socket is readable and then reads: a
/// read that is tried before the answer can have arrived is a wasted system call.
///
/// Errors: operations complete with an error_code; `fault` describes a TLS failure.
/// Cancellation: terminal; the connection must not be used afterwards.
/// Threads: the socket's executor.
/// Lifetime: destroying it closes the socket; nothing is sent, no reply is waited for.
class connection {
public:
    explicit connection(boost::asio::ip::tcp::socket socket);

    boost::asio::awaitable<error_code> handshake(const tls_context& context, const url& target);
    boost::asio::awaitable<error_code> send(std::string_view bytes);
    /// Waits until `try_read` may find something.
    boost::asio::awaitable<error_code> readable();
    /// Reads what is there; never waits.
    io_step try_read(char* to, std::size_t size);

    /// Whether more than the last read may have arrived already.
    bool has_pending() const { return tls_ && tls_->has_pending(); }
    /// Whether another request may be sent: nothing arrived since the last response, and the peer
    /// has not closed.
    bool is_quiet();

    std::string fault() const { return tls_ ? tls_->fault() : std::string(); }

private:
    boost::asio::awaitable<error_code> wait_for(io_step::state what);

    boost::asio::ip::tcp::socket socket_;
    std::unique_ptr<tls_session> tls_;
};

} // namespace weir::http::detail
