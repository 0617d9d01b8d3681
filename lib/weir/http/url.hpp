#pragma once

#include <weir/http/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http {

/// An http or https URL, checked and normalised once, with the parts that a request needs.
///
/// Shape: real lists hold spaces, `|`, brackets and non-ASCII bytes: those are percent-encoded, and
///        the original text is kept for output. Parsing normalises the case of scheme and host, the
///        default port, an empty path, dot segments and the case of %xx. It never decodes `%2F` and
///        never reorders a query, because either would change what is requested.
/// Errors: `parse` and `resolve` fail with class `bad_url` and a text that says what is wrong.
/// Memory: a few strings; a text over 64 KiB is refused.
/// Source: RFC 3986 sections 3, 5 and 6.2.2. Departs from it by encoding what it forbids in a path.
///         Does not use Boost.URL to split, because version 1.81 reads `http://127.0.0.1.example/`
///         as the host 127.0.0.1.
class url {
public:
    /// Longest text accepted, in bytes.
    static constexpr std::size_t max_length = 64 * 1024;

    /// Parses a URL as people write it. A text without a scheme is taken as http.
    static result<url> parse(std::string_view text);

    /// Resolves `reference` (such as a Location header) against this URL. The fragment is inherited
    /// when the reference has none. The user name and password are kept only when the origin stays
    /// the same.
    result<url> resolve(std::string_view reference) const;

    /// The original text, for output.
    const std::string& text() const noexcept { return text_; }
    /// `http` or `https`.
    const std::string& scheme() const noexcept { return scheme_; }
    bool secure() const noexcept { return scheme_ == "https"; }
    /// The host in lower case; an IPv6 address has no brackets.
    const std::string& host() const noexcept { return host_; }
    /// Whether the host is an IPv4 or IPv6 address: no SNI is sent for those.
    bool host_is_address() const noexcept { return host_is_address_; }
    std::uint16_t port() const noexcept { return port_; }
    /// The path and query as sent in the request line; never empty.
    const std::string& target() const noexcept { return target_; }
    /// `scheme://host:port`, always with the port. Limits and connections are counted by it.
    const std::string& origin() const noexcept { return origin_; }
    /// The value of the Host header: the port only when it is not the default, IPv6 in brackets.
    std::string host_header() const;
    /// The value of the Authorization header for `user:password@`; empty when there was none.
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

} // namespace weir::http
