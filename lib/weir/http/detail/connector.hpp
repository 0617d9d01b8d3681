#pragma once

#include <weir/http/client_options.hpp>
#include <weir/http/detail/address_book.hpp>
#include <weir/http/detail/connect_observer.hpp>
#include <weir/http/detail/connection.hpp>
#include <weir/http/detail/dialer.hpp>
#include <weir/http/detail/route.hpp>
#include <weir/http/error.hpp>
#include <weir/http/network.hpp>
#include <weir/http/network_options.hpp>
#include <weir/http/response.hpp>
#include <weir/http/url.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir::http::detail {

/// Makes connections: connects to the host or its proxy (`dialer`), asks the proxy for a tunnel,
/// does the TLS handshake.
///
/// Errors: throws `failed` (dns, connect, blocked, proxy, tls, timeout) or
///         system_error(operation_aborted).
/// Threads: one serial executor.
class connector {
public:
    /// `make_room` and `holds_any` as for a `dialer`.
    connector(boost::asio::any_io_executor executor, std::shared_ptr<network> lines,
              const client_options& options, std::function<bool()> make_room,
              std::function<bool()> holds_any);

    /// Makes a connection within the connect timeout, adds what it took to `times`, and tells `by`
    /// how far it comes. `owner` is what keeps this connector.
    boost::asio::awaitable<std::unique_ptr<connection>>
    open(std::shared_ptr<void> owner, const url& target, timings& times, connect_observer& by);

    /// Whether any is being made that has a descriptor.
    bool is_busy() const { return unfinished_ != 0 || dialer_.is_busy(); }

private:
    /// Counts what runs.
    class at_work {
    public:
        explicit at_work(std::size_t& count) : count_(count) { ++count_; }
        at_work(const at_work&) = delete;
        at_work& operator=(const at_work&) = delete;
        ~at_work() { --count_; }

    private:
        std::size_t& count_;
    };

    /// How far a connection got, and when. A connection counts as busy from when it is made until
    /// this is destroyed.
    struct progress {
        std::optional<time_point> looked_up;
        std::optional<time_point> connected;
        bool proxy_secured = false; // its TLS handshake has ended
        // When the tunnel was there; without a tunnel, when it was connected.
        std::optional<time_point> through;
        std::optional<at_work> counted;
    };

    boost::asio::awaitable<std::unique_ptr<connection>>
    open_all(const url& target, timings& times, progress& reached, connect_observer& by);
    boost::asio::awaitable<std::unique_ptr<connection>> reach(const route& way, progress& reached,
                                                              connect_observer& by);
    boost::asio::awaitable<void> make_tunnel(connection& made, const route& way);
    boost::asio::awaitable<void> secure(connection& made, const url& target);
    failure timed_out(const url& target, const progress& reached) const;

    boost::asio::any_io_executor executor_;
    std::shared_ptr<network> network_;
    duration connect_timeout_;
    network_options rules_;
    std::string user_agent_;
    std::size_t unfinished_ = 0; // connected, and not handed over yet
    address_book addresses_;
    dialer dialer_;
};

} // namespace weir::http::detail
