#pragma once

#include <weir/http/detail/io_step.hpp>
#include <weir/http/detail/tls_context.hpp>
#include <weir/http/url.hpp>

#include <cstddef>
#include <memory>
#include <string>

struct ssl_st; // OpenSSL's SSL

namespace weir::http::detail {

/// A TLS session on a connected, non-blocking socket. OpenSSL reads and writes the socket itself: a
/// connection takes 19 kB, where `asio::ssl::stream` takes 77 kB.
///
/// Threads: one at a time.
/// Lifetime: ends before the socket is closed.
class tls_session {
public:
    /// The handshake will check the host name or address in the certificate, and send SNI for a
    /// name.
    tls_session(const tls_context& context, const url& target, int socket);

    io_step handshake();
    io_step read(char* to, std::size_t size);
    io_step write(const char* from, std::size_t size);
    /// Whether bytes are in memory already: read them before waiting for the socket.
    bool has_pending() const;
    /// Why the last step failed, in words.
    const std::string& fault() const noexcept { return fault_; }

private:
    io_step stopped(int returned);
    void describe();

    std::shared_ptr<ssl_st> ssl_;
    std::string fault_;
};

} // namespace weir::http::detail
