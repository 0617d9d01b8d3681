#pragma once

#include <weir/http/client.hpp>
#include <weir/http/detail/address_book.hpp>
#include <weir/http/detail/connection.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir::http::detail {

/// Makes connections: look-up, every address in turn, TLS.
///
/// Errors    throws `failed` (dns, connect, tls, timeout) or system_error(operation_aborted).
/// Threads   one executor, serial.
class connector {
public:
    /// `make_room` closes something idle and says whether it did: asked when the system is out of
    /// descriptors or ports, which pushes back and does not fail.
    connector(boost::asio::any_io_executor executor, const client_options& options,
              std::function<bool()> make_room);

    /// Within the connect time-out. Adds to `times`.
    boost::asio::awaitable<std::unique_ptr<connection>> open(const url& target, timings& times);

private:
    /// How far it got, for the text of a time-out.
    enum class phase { dns, connect, tls };

    boost::asio::awaitable<std::unique_ptr<connection>> open_all(const url& target, timings& times,
                                                                 phase& now);
    boost::asio::awaitable<boost::asio::ip::tcp::socket> connect_any(const url& target,
                                                                     const endpoints& found);
    boost::asio::awaitable<error_code> connect_one(boost::asio::ip::tcp::socket& socket,
                                                   boost::asio::ip::tcp::endpoint to,
                                                   duration limit);
    boost::asio::awaitable<void> secure(connection& made, const url& target);
    failure timed_out(const url& target, phase reached) const;

    boost::asio::any_io_executor executor_;
    duration connect_timeout_;
    duration address_timeout_;
    std::function<bool()> make_room_;
    std::string ca_file_;
    verification peer_;
    std::optional<tls_context> tls_; // reading the system's certificates takes 20 ms: not for http
    address_book addresses_;
};

} // namespace weir::http::detail
