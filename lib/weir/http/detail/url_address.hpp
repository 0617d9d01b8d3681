#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// Whether the last part of a host is a number: such a host is an IPv4 address or not valid.
bool ends_in_a_number(std::string_view host);

/// The IPv4 address in four decimal parts; empty when `host` is none.
///
/// Shape: one to four parts, decimal, octal (`0177`) or hexadecimal (`0x7f`). The last part fills
///        all bytes that are left: `127.1` is 127.0.0.1.
/// Source: WHATWG URL, section 3.5, IPv4 parser.
std::optional<std::string> ipv4_address(std::string_view host);

/// The IPv6 address in its short form, without brackets; empty when `text` is none. A zone is
/// refused.
///
/// Source: WHATWG URL, section 3.5, IPv6 parser and serializer. RFC 5952 without its dotted form.
std::optional<std::string> ipv6_address(std::string_view text);

} // namespace weir::http::detail
