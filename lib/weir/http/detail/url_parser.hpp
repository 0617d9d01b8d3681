#pragma once

#include <weir/http/detail/url_host.hpp>
#include <weir/http/error.hpp>
#include <weir/http/url.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// The parts of an http or https URL, each percent-encoded as it stands in the URL.
struct url_record {
    std::string scheme;
    std::string username;
    std::string password;
    url_host host;
    /// Empty for the default port of the scheme.
    std::optional<std::uint16_t> port;
    /// Begins with a slash.
    std::string path;
    std::optional<std::string> query;
    std::optional<std::string> fragment;
};

/// `text` without controls and spaces at its ends.
std::string_view trim(std::string_view text);

/// `text` without tabs and line ends, which no part of a URL may bring to the request line.
std::string without_line_breaks(std::string_view text);

/// The scheme before the first colon, as it is written; empty when there is none.
std::string_view scheme_of(std::string_view text);

/// The port of a scheme, which is http or https.
std::uint16_t default_port(std::string_view scheme);

/// How many slashes `text` begins with; a backslash is one too, as browsers read it.
std::size_t slashes_at_start(std::string_view text);

/// Parses a text that was trimmed and has no line breaks; relative to `base` unless that is null.
///
/// Errors: class `bad_url`, with the reason.
/// Source: WHATWG URL, section 4.4, basic URL parser, for the schemes http and https. It is not
///         written as a state machine: `#` and `?` end every other part of such a URL, so the parts
///         are cut off one by one.
result<url_record> parse_url(std::string_view text, const url_record* base, dot_segments dots);

} // namespace weir::http::detail
