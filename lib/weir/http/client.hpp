#pragma once

#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/http/tls.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace weir::http {

/// What a client may do. Name the object, then set its members.
class client_options {
public:
    client_options();

    /// Connections to one origin (scheme, host, port), idle and in use together, from 1. 8: what a
    /// server expects of a polite client, and enough to hide its latency.
    std::size_t per_host = 8;
    /// Idle connections kept for all origins together. 100.
    std::size_t max_idle = 100;
    /// How long an idle connection is kept. 4 s: below the 5 s after which common servers close
    /// theirs. A server's `Keep-Alive: timeout=` makes it shorter.
    duration idle_time = std::chrono::seconds(4);
    /// For look-up, connection and TLS handshake together. 30 s.
    duration connect_timeout = std::chrono::seconds(30);
    /// For one address when others are left to try. 2 s: a dead one must not cost the whole time.
    duration address_timeout = std::chrono::seconds(2);
    /// Largest header of a response. 256 KiB: a hundred cookies are more than the usual 8 KiB.
    std::uint32_t max_header = 256 * 1024;
    /// Largest body. No limit.
    std::uint64_t max_body = UINT64_MAX;
    /// How many redirects are followed for one request; 0: a redirect is an answer. 10.
    unsigned max_redirects = 10;
    std::string user_agent;
    /// PEM file that replaces the system's trusted certificates, when it is not empty.
    std::string ca_file;
    verification peer = verification::required;
};

/// One exchange, and where a redirect leads.
struct hop {
    response answer;
    /// The request to make next, when the response is a redirect that may be followed. Its body was
    /// not handed to the sink then.
    std::optional<request> next;
};

/// Makes HTTP/1.1 requests over http and https on one executor, over connections it keeps.
///
/// Shape         `step` is one exchange; `get` follows redirects. Neither throws for what the
///               network, the server or the sink did: see `response::error`.
/// Limits        at most `per_host` exchanges an origin at a time; more wait in line, first come,
///               first served. Nothing is held when a redirect leads elsewhere.
/// Cancellation  terminal; the exchange ends with class `aborted` and its connection is closed.
/// Time          for a time-out of the whole, wrap the call in `with_timeout`.
/// Threads       one executor, serial; every call is made there.
/// Lifetime      calls under way may outlive the client.
/// Memory        one 64 KiB buffer a client, whatever the number of connections; a connection keeps
///               only what arrived of an unfinished header.
class client {
public:
    using executor_type = boost::asio::any_io_executor;

    /// Throws `failed` (class tls) when `ca_file` cannot be read, std::invalid_argument for a
    /// limit of 0.
    explicit client(executor_type executor, client_options options = client_options());
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client();

    executor_type get_executor() const noexcept;

    /// One exchange.
    boost::asio::awaitable<hop> step(request what, body_sink sink);

    /// The answer after redirects. `times` and `bytes` are those of the last exchange, but for
    /// `timings.total`, which spans all.
    boost::asio::awaitable<response> get(request what, body_sink sink);

    /// Connections that are idle now, or in use.
    std::size_t idle() const noexcept;
    std::size_t open() const noexcept;
    /// Closes the idle ones.
    void close_idle();

private:
    class state;
    std::shared_ptr<state> state_;
};

} // namespace weir::http
