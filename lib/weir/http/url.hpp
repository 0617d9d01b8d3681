#pragma once

#include <weir/http/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http {

/// An http or https URL, checked and normalised once, with the parts a request needs.
///
/// Real lists hold spaces, `|`, brackets and non-ASCII bytes: they are percent-encoded, and the
/// text as given is kept for output. Normalised are: the case of scheme and host, the default
/// port, an empty path, dot segments, the case of %xx. `%2F` is never decoded and a query is never
/// reordered, because both change what is asked for.
///
/// Errors    `parse` and `resolve` fail with class `bad_url` and a text that says what is wrong.
/// Memory    a few strings; a text over 64 KiB is refused.
/// Source    RFC 3986 sections 3, 5 and 6.2.2; we depart by encoding what it forbids in a path. The
///           split is our own: Boost.URL 1.81 reads `http://127.0.0.1.example/` as host 127.0.0.1.
class url {
public:
    /// Longest text accepted, in bytes.
    static constexpr std::size_t max_length = 64 * 1024;

    /// Reads one URL as people write them. A text without a scheme is taken as http.
    static result<url> parse(std::string_view text);

    /// The URL that `reference` (a Location header) means, seen from this one. A fragment is
    /// inherited when the reference has none. The user name and password are kept only when
    /// the origin stays the same.
    result<url> resolve(std::string_view reference) const;

    /// The text as it was given, for output.
    const std::string& text() const noexcept { return text_; }
    /// `http` or `https`.
    const std::string& scheme() const noexcept { return scheme_; }
    bool secure() const noexcept { return scheme_ == "https"; }
    /// Host in lower case; an IPv6 address without brackets.
    const std::string& host() const noexcept { return host_; }
    /// True when the host is an IPv4 or IPv6 address: no SNI is sent for those.
    bool host_is_address() const noexcept { return host_is_address_; }
    std::uint16_t port() const noexcept { return port_; }
    /// Path and query as sent in the request line; never empty.
    const std::string& target() const noexcept { return target_; }
    /// What limits and connections are counted by: `scheme://host:port`, port always there.
    const std::string& origin() const noexcept { return origin_; }
    /// Value of the Host header: port only when it is not the default, brackets for IPv6.
    std::string host_header() const;
    /// Value of the Authorization header for `user:password@`; empty when there was none.
    const std::string& authorization() const noexcept { return authorization_; }
    /// The normalised URL, without user name, password and fragment.
    std::string str() const;

private:
    url() = default;
    friend class url_builder;

    std::string text_;
    std::string scheme_;
    std::string host_;
    std::string target_;
    std::string origin_;
    std::string authorization_;
    std::string fragment_;
    std::uint16_t port_ = 0;
    bool host_is_address_ = false;
};

/// Percent-encodes what RFC 3986 does not allow in a path, query or fragment, and a `%` that is
/// not followed by two hex digits. What is encoded already stays as it is.
std::string encode_illegal(std::string_view text);

} // namespace weir::http
