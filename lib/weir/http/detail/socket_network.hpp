#pragma once

#include <weir/http/client_options.hpp>
#include <weir/http/detail/tls_context.hpp>
#include <weir/http/detail/tls_tickets.hpp>
#include <weir/http/network.hpp>
#include <weir/http/tls_version.hpp>
#include <weir/http/verification.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <optional>
#include <string>

namespace weir::http::detail {

/// The names, sockets and OpenSSL of this machine.
///
/// Errors: the constructor throws `failed` (class `tls`) when `ca_file` cannot be read.
/// Threads: one serial executor.
class socket_network final : public network {
public:
    socket_network(boost::asio::any_io_executor executor, const client_options& options);

    std::shared_ptr<name_source> names() override { return names_; }
    std::unique_ptr<attempt> connect(const boost::asio::ip::tcp::endpoint& to,
                                     connected told) override;
    std::unique_ptr<secure_session> secure(transport& line, const url& target) override;

private:
    tls_context& tls();

    boost::asio::any_io_executor executor_;
    std::shared_ptr<name_source> names_;
    std::string ca_file_;
    verification peer_;
    tls_version oldest_;
    tls_tickets tickets_;
    std::optional<tls_context> tls_; // reading the system's certificates takes 20 ms: not for http
};

} // namespace weir::http::detail
