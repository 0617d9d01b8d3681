#pragma once

#include <weir/duration.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/address_book.hpp>
#include <weir/http/detail/connect_observer.hpp>
#include <weir/http/network.hpp>
#include <weir/http/network_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir::http::detail {

/// Connects to a host: looks both families of its addresses up, and races them (`address_race`).
/// What `network_options` say of addresses is done here.
///
/// Errors: throws `failed` (dns, connect, blocked) or system_error(operation_aborted). A shortage
///         of descriptors on this machine is waited for as long as something of the client's may
///         give one back, a shortage of ports until the caller ends the wait.
/// Cancellation: terminal. Ends the attempts, and the waits for look-ups.
/// Threads: one serial executor.
class dialer {
public:
    /// `make_room` closes an idle connection and returns whether there was one. It is called when
    /// the system has no descriptors or ports left. `holds_any` says whether the client has other
    /// connections, which will be closed some time.
    dialer(boost::asio::any_io_executor executor, network& lines, address_book& book,
           const client_options& options, std::function<bool()> make_room,
           std::function<bool()> holds_any);

    struct dialed {
        std::unique_ptr<transport> line;
        boost::asio::ip::tcp::endpoint to;
    };

    /// Connects. `looked_up` is set when the first address is tried; `by` hears of each address.
    boost::asio::awaitable<dialed> connect(std::string host, std::uint16_t port,
                                           std::optional<time_point>& looked_up,
                                           connect_observer& by);

    /// Whether an attempt runs, or has succeeded just now.
    bool is_busy() const noexcept { return *attempts_ != 0; }

private:
    class race;

    boost::asio::awaitable<void> run(std::shared_ptr<race> this_race, std::string host,
                                     std::uint16_t port, std::optional<time_point>& looked_up,
                                     connect_observer& by);
    address_book::wait look_up(const std::shared_ptr<race>& this_race, const std::string& host,
                               std::uint16_t port, address_family which);
    /// The answer that needs no look-up.
    std::optional<name_answer> given(const std::string& host, std::uint16_t port,
                                     address_family which) const;

    boost::asio::any_io_executor executor_;
    network& network_;
    address_book& book_;
    duration attempt_delay_;
    bool v6_works_ = false; // a connection over IPv6 was made
    network_options rules_;
    std::function<bool()> make_room_;
    std::function<bool()> holds_any_;
    // Attempts that run now, for all hosts.
    const std::shared_ptr<std::size_t> attempts_ = std::make_shared<std::size_t>(0);
};

} // namespace weir::http::detail
