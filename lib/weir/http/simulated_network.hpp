#pragma once

#include <weir/http/name_source.hpp>
#include <weir/http/network.hpp>
#include <weir/http/url.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/network.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <map>
#include <memory>
#include <string>

namespace weir::http {

/// What a simulated server makes of a TLS handshake.
class simulated_tls {
public:
    simulated_tls() noexcept {}

    /// After how many exchanges of one byte with the server the handshake ends. The server sends
    /// one for each that it gets, and all bytes after them are those of the exchange, as they are.
    /// Default 2, as TLS 1.2 has.
    simulated_tls& round_trips(unsigned count) noexcept;
    /// The handshake fails, after the round trips, with these words. Default: it succeeds.
    simulated_tls& fails(std::string why);

    unsigned round_trips() const noexcept { return round_trips_; }
    /// Empty: it succeeds.
    const std::string& fault() const noexcept { return fault_; }

private:
    unsigned round_trips_ = 2;
    std::string fault_;
};

/// Lets a client use a simulated network, so that code with a client in it can be tested in virtual
/// time, in every order, with connections that are refused, slow, cut off, or never made.
///
/// Shape: `client(here.get_executor(), options, std::make_shared<simulated_network>(here, all))`.
///        TLS is modelled: a handshake of round trips that succeeds, fails, or hangs because the
///        server does not answer. Nothing is encrypted, and no certificate is looked at.
/// Threads: the world's one.
/// Lifetime: `here` and `all` outlive it.
class simulated_network final : public network {
public:
    simulated_network(sim::context& here, sim::network& all);

    /// How handshakes with hosts of this name go.
    void tls(const std::string& host, simulated_tls how);

    std::shared_ptr<name_source> names() override { return names_; }
    std::unique_ptr<attempt> connect(const boost::asio::ip::tcp::endpoint& to,
                                     connected told) override;
    std::unique_ptr<secure_session> secure(transport& line, const url& target) override;

private:
    sim::context& here_;
    sim::network& all_;
    std::shared_ptr<name_source> names_;
    std::map<std::string, simulated_tls> tls_;
};

} // namespace weir::http
