#pragma once

#include <weir/http/body.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/network.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>

namespace weir::http {

/// Makes HTTP/1.1 requests over http and https, and keeps connections for the next request.
///
/// Shape: `step` makes one exchange; `get` also follows redirects. At most `per_host` exchanges of
///        one origin run at a time; others wait. Nothing is held while a redirect leads to another
///        origin.
/// Errors: in `response::error`. Neither function throws for anything that the network, the server
///         or the sink did.
/// Cancellation: terminal. The exchange ends with class `aborted` and its connection is closed. To
///               limit the time of a whole request, wrap the call in `with_timeout`.
/// Threads: one serial executor; every call is made there.
/// Lifetime: running calls may outlive the client. Neither its destructor nor its context's waits
///           for a look-up.
/// Fairness: exchanges of one origin start in the order of their calls.
/// Memory: one 64 KiB buffer for all connections; a connection keeps only the part of a header that
///         has arrived so far.
class client {
public:
    using executor_type = boost::asio::any_io_executor;

    /// Throws `failed` (class `tls`) when `ca_file` cannot be read. `lines` is where connections
    /// come from, by default the system's sockets.
    explicit client(executor_type executor, client_options options = client_options(),
                    std::shared_ptr<network> lines = nullptr);
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client();

    executor_type get_executor() const noexcept;

    /// Makes one exchange.
    boost::asio::awaitable<hop> step(request what, body_sink sink);

    /// Makes a request and follows redirects. The times and bytes of the answer are those of the
    /// last exchange, except for `timings.total`, which spans all of them.
    boost::asio::awaitable<response> get(request what, body_sink sink);

    /// How many connections are idle.
    std::size_t idle() const noexcept;
    /// How many connections are idle or in use.
    std::size_t open() const noexcept;

    /// Closes the idle connections. Until then they keep `io_context::run` from returning, each for
    /// at most `idle_timeout`.
    void close_idle();

private:
    class state;
    std::shared_ptr<state> state_;
};

} // namespace weir::http
