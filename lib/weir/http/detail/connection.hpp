#pragma once

#include <weir/http/detail/tls_session.hpp>
#include <weir/http/url.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// One connected socket, with TLS on it or not. It waits first and reads then: a read that is tried
/// before the answer can be there is a system call for nothing.
///
/// Errors        operations give an error_code; `fault` has words for a TLS failure.
/// Cancellation  terminal; the connection is of no further use then.
/// Lifetime      destroying it closes the socket; nothing is sent, no reply is waited for.
/// Threads       the socket's executor.
class connection {
public:
    explicit connection(boost::asio::ip::tcp::socket socket);

    boost::asio::awaitable<error_code> handshake(const tls_context& context, const url& target);
    boost::asio::awaitable<error_code> send(std::string_view bytes);
    /// Completes when `try_read` is worth a try.
    boost::asio::awaitable<error_code> readable();
    /// Never waits.
    io_step try_read(char* to, std::size_t size);

    /// More than the last read may be there already.
    bool has_pending() const { return tls_ && tls_->has_pending(); }
    /// Nothing came since the last response and the peer has not closed: fit for another request.
    bool is_quiet();

    std::string fault() const { return tls_ ? tls_->fault() : std::string(); }
    bool secure() const noexcept { return tls_ != nullptr; }

    /// Responses it has carried.
    std::uint64_t served = 0;

private:
    boost::asio::awaitable<error_code> wait_for(io_step::state what);

    boost::asio::ip::tcp::socket socket_;
    std::unique_ptr<tls_session> tls_;
};

} // namespace weir::http::detail
