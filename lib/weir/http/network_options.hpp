#pragma once

#include <weir/http/address_filter.hpp>
#include <weir/http/host_map.hpp>
#include <weir/http/name_source.hpp>
#include <weir/http/proxies.hpp>
#include <weir/http/tls_version.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// How a client reaches the hosts of its URLs. Setters return the object, so that calls can be
/// chained.
///
/// Errors: a setter throws `std::invalid_argument` for a value outside its range.
class network_options {
public:
    network_options() {} // no aggregate: g++ 12 destroys those twice beside co_await

    /// The addresses of a host, instead of what name servers say: see `host_map::resolve`.
    network_options& resolve(std::string_view host, const std::vector<std::string>& to);
    /// Connects to another host or port: see `host_map::connect_to`.
    network_options& connect_to(std::string_view from, std::string_view to);

    /// Uses addresses of one family only, also for a proxy. A host without any is class `dns`.
    /// Default: both.
    network_options& only(address_family which);

    /// Which addresses may be connected to. Every address is looked at just before the client
    /// connects to it, at every redirect again: so neither a name that leads to a private address
    /// nor one that changes meanwhile gets past. A host all of whose addresses are refused is class
    /// `blocked`.
    ///
    /// Units: `is_public`, or any function of an address. Default: none, every address.
    /// Errors: throws together with a proxy, which connects to hosts that nobody here looked at.
    network_options& allow(address_filter filter);

    /// Proxies. Default: none; `proxies::from_environment` is for programs that are run by hand.
    ///
    /// Errors: throws together with `allow`.
    network_options& through(proxies chosen);

    /// The oldest version of TLS to speak. Default 1.2: older ones are broken.
    network_options& tls_from(tls_version oldest);

    /// How many TLS sessions are kept to be resumed, for all hosts together. A new connection that
    /// resumes one costs a part of a handshake.
    ///
    /// Units: sessions, 0 resumes none. Default 1,000: some megabytes, with certificates.
    network_options& tls_sessions(std::size_t most);

    const host_map& hosts() const noexcept { return hosts_; }
    std::optional<address_family> only() const noexcept { return only_; }
    const address_filter& allow() const noexcept { return allow_; }
    const proxies& through() const noexcept { return through_; }
    tls_version tls_from() const noexcept { return tls_from_; }
    std::size_t tls_sessions() const noexcept { return tls_sessions_; }

private:
    host_map hosts_;
    std::optional<address_family> only_;
    address_filter allow_;
    proxies through_;
    tls_version tls_from_ = tls_version::v1_2;
    std::size_t tls_sessions_ = 1000;
};

} // namespace weir::http
