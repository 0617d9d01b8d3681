#pragma once

#include <weir/error.hpp>
#include <weir/http/io_step.hpp>
#include <weir/http/network.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
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
    explicit connection(std::unique_ptr<transport> line,
                        const boost::asio::ip::tcp::endpoint& address)
        : line_(std::move(line)), address_(address)
    {
    }

    /// Goes on over TLS.
    boost::asio::awaitable<error_code> handshake(network& by, const url& target);
    boost::asio::awaitable<error_code> send(std::string_view bytes);
    /// Sends what there is room for, and returns how much; never waits. An error shows when the
    /// rest is sent.
    std::size_t send_now(std::string_view bytes);
    /// Waits until `try_read` may find something.
    boost::asio::awaitable<error_code> readable() { return line_->wait(io_step::state::wait_read); }
    /// Reads what is there; never waits.
    io_step try_read(char* to, std::size_t size)
    {
        const io_step step = tls_ ? tls_->read(to, size) : line_->try_read(to, size);
        received_ += step.bytes;
        return step;
    }

    /// What follows goes through the TLS that there is: another handshake is with the other end.
    void enclose();
    /// Gives bytes back: the next read begins with them. Not for TLS that is not enclosed.
    void put_back(std::string_view bytes);

    /// Whether more than the last read may have arrived already.
    bool has_pending() const { return tls_ && tls_->has_pending(); }
    /// Whether another request may be sent: nothing arrived since the last response, and the peer
    /// has not closed.
    bool is_quiet();

    /// Where it leads.
    const boost::asio::ip::tcp::endpoint& address() const noexcept { return address_; }
    /// Bytes of HTTP that were sent and received, without TLS.
    std::uint64_t sent() const noexcept { return sent_; }
    std::uint64_t received() const noexcept { return received_; }

    std::string fault() const { return tls_ ? tls_->fault() : std::string(); }

private:
    io_step try_write(std::string_view bytes)
    {
        const io_step step = tls_ ? tls_->write(bytes.data(), bytes.size())
                                  : line_->try_write(bytes.data(), bytes.size());
        sent_ += step.bytes;
        return step;
    }

    std::unique_ptr<transport> line_;
    std::unique_ptr<secure_session> tls_; // uses `line_`
    boost::asio::ip::tcp::endpoint address_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
};

} // namespace weir::http::detail
