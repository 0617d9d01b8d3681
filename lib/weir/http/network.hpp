#pragma once

#include <weir/error.hpp>
#include <weir/http/io_step.hpp>
#include <weir/http/name_source.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace weir::http {

/// The bytes of one connection, before TLS. It is used by readiness: try, and where there is
/// nothing yet, wait and try again. So a connection that waits needs no buffer.
///
/// Threads: one at a time.
/// Lifetime: destroying it closes the connection; nothing is sent, no reply is waited for.
class transport {
public:
    virtual ~transport() = default;

    /// `done` with at least one byte, `wait_read`, `end` or `failed`.
    virtual io_step try_read(char* to, std::size_t size) = 0;
    /// `done` with at least one byte, `wait_write` or `failed`.
    virtual io_step try_write(const char* from, std::size_t size) = 0;
    /// What `try_read` would say. Takes no bytes.
    virtual io_step peek() = 0;
    /// Waits until another try may succeed; `what` is `wait_read` or `wait_write`.
    ///
    /// Cancellation: terminal.
    virtual boost::asio::awaitable<error_code> wait(io_step::state what) = 0;
};

/// TLS over a transport.
class secure_session {
public:
    virtual ~secure_session() = default;

    /// `done`, `wait_read`, `wait_write`, `end` or `failed`.
    virtual io_step handshake() = 0;
    /// As for a transport; both may say `wait_read` and `wait_write`.
    virtual io_step read(char* to, std::size_t size) = 0;
    virtual io_step write(const char* from, std::size_t size) = 0;
    /// Whether bytes are in memory already: read them before waiting for the transport.
    virtual bool has_pending() const = 0;
    /// Why the last step failed, in words.
    virtual std::string fault() const = 0;
};

/// Where a client's connections come from: names, connections, TLS. A client uses name servers, the
/// system's sockets and OpenSSL when it is given no other; `simulated_network` is for tests.
///
/// Threads: those of the client.
/// Lifetime: outlives its attempts and sessions.
class network {
public:
    /// An attempt to connect. Destroying it ends the attempt: it does not complete, and leaves
    /// nothing open.
    class attempt {
    public:
        virtual ~attempt() = default;
    };
    /// The transport is null after an error.
    using connected = std::function<void(const error_code& error, std::unique_ptr<transport> line)>;

    virtual ~network() = default;

    /// Where names are looked up.
    virtual std::shared_ptr<name_source> names() = 0;

    /// Starts to connect. `done` is called once, later, never inside this call. It may destroy the
    /// attempt.
    [[nodiscard]] virtual std::unique_ptr<attempt> connect(const boost::asio::ip::tcp::endpoint& to,
                                                           connected done) = 0;

    /// Begins TLS with the host of `target` over a connection, which outlives the session. Throws
    /// `failed` (class `tls`) when that is not possible.
    virtual std::unique_ptr<secure_session> secure(transport& line, const url& target) = 0;
};

} // namespace weir::http
