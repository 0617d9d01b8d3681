#pragma once

#include <weir/http/host_map.hpp>
#include <weir/http/network_options.hpp>
#include <weir/http/proxies.hpp>
#include <weir/http/request.hpp>
#include <weir/http/url.hpp>

#include <string>

namespace weir::http::detail {

/// How a URL is reached: by itself, through a tunnel, or by a proxy that forwards its requests.
class route {
public:
    /// `rules` outlive it.
    route(const network_options& rules, const url& target);

    /// Null when there is no proxy.
    const proxy* by() const noexcept { return by_; }
    bool is_tunnel() const noexcept { return by_ && !forwarded_; }
    /// Where the connection or its tunnel ends; not for requests that are forwarded.
    const host_map::place& end() const noexcept { return end_; }
    /// The same as `host:port`.
    std::string end_name() const;

private:
    const proxy* by_;
    host_map::place end_;
    bool forwarded_;
};

/// The proxy that forwards the requests for a URL; null when none does. A host that `connect_to`
/// leads elsewhere gets a tunnel, because the proxy would not know of it.
const proxy* forwarder_of(const network_options& rules, const url& target);

/// Under which name a connection for a URL is kept: that of the proxy which forwards its requests,
/// whatever their hosts are; otherwise that of the origin.
const std::string& pool_key(const network_options& rules, const url& target);

/// The header of a request as it goes out: for a proxy that forwards it, in the form for proxies.
std::string header_on_route(const network_options& rules, const request& what, std::string head);

} // namespace weir::http::detail
