#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// A URL or reference split into its five parts; nothing is decoded or checked.
///
/// Source: RFC 3986 appendix B.
struct url_parts {
    std::string_view scheme;
    std::optional<std::string_view> authority;
    std::string_view path;
    std::optional<std::string_view> query;
    std::optional<std::string_view> fragment;
};

url_parts split_url(std::string_view text);

/// The authority split into its parts. `host` keeps the brackets of an IPv6 address.
struct authority_parts {
    std::optional<std::string_view> userinfo;
    std::string_view host;
    std::string_view port;
};

authority_parts split_authority(std::string_view authority);

/// Percent-encodes what RFC 3986 does not allow in a path, query or fragment, and a `%` that is not
/// followed by two hex digits. What is already encoded stays as it is.
std::string encode_illegal(std::string_view text);

/// Writes each %xx in upper case, and decodes %xx of a letter, digit, `-`, `.`, `_` or `~`.
std::string normalise_escapes(std::string_view text);

/// Resolves `.` and `..` in a path.
///
/// Source: RFC 3986 section 5.2.4.
std::string remove_dot_segments(std::string_view path);

/// Replaces the last segment of the base's path with the reference's path.
///
/// Source: RFC 3986 section 5.2.3.
std::string merge_paths(std::string_view base, std::string_view reference);

} // namespace weir::http::detail
