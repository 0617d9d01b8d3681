#pragma once

#include <weir/error.hpp>
#include <weir/http/io_step.hpp>
#include <weir/http/network.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weir::http::detail {

/// A connection, with or without TLS.
///
/// Errors: operations complete with an error_code; `fault` describes a TLS failure.
/// Cancellation: terminal; the connection must not be used afterwards.
/// Threads: one serial executor.
/// Lifetime: destroying it closes the connection; nothing is sent, no reply is waited for.
class connection {
public:
    explicit connection(std::unique_ptr<transport> line) : line_(std::move(line)) {}

    /// Goes on over TLS.
    boost::asio::awaitable<error_code> handshake(network& by, const url& target);
    boost::asio::awaitable<error_code> send(std::string_view bytes);
    /// Waits until `try_read` may find something.
    boost::asio::awaitable<error_code> readable() { return line_->wait(io_step::state::wait_read); }
    /// Reads what is there; never waits.
    io_step try_read(char* to, std::size_t size)
    {
        return tls_ ? tls_->read(to, size) : line_->try_read(to, size);
    }

    /// Whether more than the last read may have arrived already.
    bool has_pending() const { return tls_ && tls_->has_pending(); }
    /// Whether another request may be sent: nothing arrived since the last response, and the peer
    /// has not closed.
    bool is_quiet();

    std::string fault() const { return tls_ ? tls_->fault() : std::string(); }

private:
    std::unique_ptr<transport> line_;
    std::unique_ptr<secure_session> tls_; // uses `line_`
};

} // namespace weir::http::detail
