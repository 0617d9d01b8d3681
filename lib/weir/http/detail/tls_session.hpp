#pragma once

#include <weir/http/tls.hpp>
#include <weir/http/url.hpp>

#include <cstddef>
#include <memory>
#include <string>

struct ssl_st; // OpenSSL's SSL

namespace weir::http::detail {

/// What a step that never blocks came to.
struct io_step {
    enum class state { done, wait_read, wait_write, end, failed };

    io_step() = default;
    explicit io_step(state s) : what(s) {}
    io_step(state s, std::size_t n) : what(s), bytes(n) {}
    io_step(state s, error_code e) : what(s), error(e) {}

    state what = state::done;
    std::size_t bytes = 0;
    error_code error;
};

/// One TLS session on a connected, non-blocking socket, without a stream of its own in between:
/// OpenSSL reads and writes the socket (19 kB a connection, 77 kB through asio::ssl::stream).
///
/// Threads   one at a time.
/// Lifetime  ends before the socket is closed.
class tls_session {
public:
    /// Checks the host name or address in the certificate; sends SNI for names.
    tls_session(const tls_context& context, const url& target, int socket);

    io_step handshake();
    io_step read(char* to, std::size_t size);
    io_step write(const char* from, std::size_t size);
    /// Bytes that are in memory already: read before waiting for the socket.
    bool has_pending() const;
    /// What the last failed step met, in words.
    const std::string& fault() const noexcept { return fault_; }

private:
    io_step stopped(int returned);
    void describe();

    std::shared_ptr<ssl_st> ssl_;
    std::string fault_;
};

} // namespace weir::http::detail
