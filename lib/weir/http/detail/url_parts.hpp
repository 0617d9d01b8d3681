#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// A URL or reference cut into its five parts, nothing decoded or checked.
///
/// Source    RFC 3986 appendix B.
struct url_parts {
    std::string_view scheme;
    std::optional<std::string_view> authority;
    std::string_view path;
    std::optional<std::string_view> query;
    std::optional<std::string_view> fragment;
};

url_parts split_url(std::string_view text);

/// The authority cut into its parts. `host` keeps the brackets of an IPv6 address.
struct authority_parts {
    std::optional<std::string_view> userinfo;
    std::string_view host;
    std::string_view port;
};

authority_parts split_authority(std::string_view authority);

/// Upper case in %xx, and %xx of a letter, digit, `-`, `.`, `_` or `~` decoded.
std::string normalise_escapes(std::string_view text);

/// RFC 3986 section 5.2.4.
std::string remove_dot_segments(std::string_view path);

/// RFC 3986 section 5.2.3: the reference's path beside the last segment of the base's.
std::string merge_paths(std::string_view base, std::string_view reference);

} // namespace weir::http::detail
