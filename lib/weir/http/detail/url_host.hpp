#pragma once

#include <weir/http/error.hpp>

#include <string>
#include <string_view>

namespace weir::http::detail {

/// A host as a URL writes it, except that an IPv6 address has no brackets.
struct url_host {
    enum class form { name, ipv4, ipv6 };

    std::string text;
    form kind = form::name;
};

/// Reads the host of a URL: a name, which may be international, or an address.
///
/// Shape: %xx is decoded, a name is in lower case and ASCII (`xn--`), an address in its usual form.
/// Errors: class `bad_url`.
/// Source: WHATWG URL, section 3.5, for special schemes.
result<url_host> parse_host(std::string_view text);

/// A failure of class `bad_url`.
failure bad_url(std::string text);

/// The host with the brackets of an IPv6 address.
std::string bracketed(const url_host& host);

} // namespace weir::http::detail
