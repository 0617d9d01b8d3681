#pragma once

#include <weir/http/url.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// An HTTP proxy, reached with or without TLS.
struct proxy {
    proxy() {} // no aggregate: g++ 12 destroys those twice beside co_await

    /// Without the brackets of an IPv6 address.
    std::string host;
    std::uint16_t port = 0;
    /// The value of Proxy-Authorization; empty when there is none.
    std::string authorization;
    /// `host:port`, for texts and keys.
    std::string name;
    /// The https URL of a proxy that is reached over TLS.
    std::optional<url> secured;
};

/// Which proxy the requests of a client go through, and which hosts are reached without.
///
/// An http request is sent to the proxy as it is, with its whole URL; an https request goes through
/// a tunnel that the proxy makes (CONNECT), and it cannot read it. A user name and password in the
/// proxy's URL are sent to the proxy only, as Basic.
///
/// Units: a proxy is `http://user:password@host:port`, or https for one that is reached over TLS.
///        The scheme may be left out. Without a port it is 1080, for https 443, as for curl. Other
///        schemes are refused: SOCKS is not supported.
/// Errors: setters and `from_environment` throw `std::invalid_argument` for a text that is no proxy
///         of this kind, without the password in its text.
class proxies {
public:
    /// Reads an environment variable; null when it is not set.
    using variables = std::function<const char*(const char* name)>;

    proxies() {}

    /// The proxies that `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` name. All but
    /// `http_proxy` may be in upper case, too: a CGI program gets HTTP_PROXY from its client. An
    /// empty variable means no proxy.
    static proxies from_environment();
    static proxies from_environment(const variables& read);

    /// For http, for https, for both; empty for none.
    proxies& http(std::string_view proxy_url);
    proxies& https(std::string_view proxy_url);
    proxies& all(std::string_view proxy_url);

    /// The hosts that are reached without a proxy.
    ///
    /// Units: a list with commas or spaces. `example.com` and `.example.com` are this host and all
    ///        below it; `host:port` is that port only; `192.0.2.0/24`, `2001:db8::/32` and single
    ///        addresses are for URLs with an address in them, and no name is looked up for it; `*`
    ///        is every host.
    proxies& except(std::string_view hosts);

    /// The proxy for a URL; null when it is reached without.
    const proxy* of(const url& target) const;
    /// Whether there is no proxy for any URL.
    bool empty() const noexcept { return !http_ && !https_; }

private:
    std::optional<proxy> http_;
    std::optional<proxy> https_;
    std::string except_;
};

} // namespace weir::http
