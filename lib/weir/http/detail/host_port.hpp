#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// A port from 1 to 65535; empty when `text` is none.
std::optional<std::uint16_t> parse_port(std::string_view text);

/// A host and a port as rules about them name them: either may be missing.
struct host_port {
    /// As in a URL, without brackets and without a dot at the end; `*` is kept. May be empty.
    std::string host;
    std::optional<std::uint16_t> port;
};

/// Reads `host`, `host:port` or `:port`. An IPv6 address may do without brackets when there is no
/// port; the host may be `*`. Empty when `text` is nothing of this.
std::optional<host_port> parse_host_port(std::string_view text);

/// `host:port`, with the brackets of an IPv6 address, which `host` has not.
std::string text_of(const std::string& host, std::uint16_t port);

/// The name without the dot that may stand at its end. A name that is nothing but a dot keeps it.
std::string_view without_last_dot(std::string_view name);

} // namespace weir::http::detail
