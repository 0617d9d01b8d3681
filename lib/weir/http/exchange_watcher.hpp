#pragma once

#include <weir/error.hpp>
#include <weir/http/error.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>

namespace weir::http {

/// Is told what the exchanges of one request send and receive, how fast they may read, and which
/// redirects they follow: for a trace, a copy of the headers, a limit of the speed.
///
/// Shape: for each exchange `missed`, for addresses that did not answer, `connected`, `sent`, and
///        `received` for one part after another. The same again when the exchange is made again on
///        another connection, and for the next one after a redirect. By default nothing is done.
/// Errors: only `rest` may throw, and only what it awaits does.
/// Threads: on the client's executor.
class exchange_watcher {
public:
    using endpoint = boost::asio::ip::tcp::endpoint;
    /// Whether a connection has carried an earlier exchange.
    enum class line { is_new, reused };

    virtual ~exchange_watcher() = default;

    /// An address did not accept a connection.
    virtual void missed(const endpoint&, const error_code&) {}
    /// The exchange has a connection to this address.
    virtual void connected(const endpoint&, line) {}
    /// The header of the request, as it is sent. It may hold secrets.
    virtual void sent(std::string_view) {}
    /// What was read, before anything is made of it: the header, also one with a status 1xx, then
    /// the body as it is sent. It is valid during the call.
    virtual void received(std::string_view) {}

    /// Why a redirect to this URL is not followed; empty when it is.
    virtual std::optional<failure> refuses(const url&) { return std::nullopt; }

    /// How much may be read at a time, in bytes, from 1.
    virtual std::size_t most_to_read() const { return std::numeric_limits<std::size_t>::max(); }
    /// Whether `rest` is to be awaited before more is read, or the exchange ends.
    virtual bool wants_rest() const { return false; }
    /// While it waits nothing is read, so the server has to wait too; it does not count as slow.
    ///
    /// Cancellation: terminal, when the request is cancelled or its time is over.
    virtual boost::asio::awaitable<void> rest() { co_return; }
};

} // namespace weir::http
