#pragma once

#include <string>
#include <string_view>

namespace weir::http::detail {

/// Which part of a URL a text stands in: each encodes some characters that others keep.
enum class url_place { userinfo, path, query, fragment };

/// Adds `text` to `out`, with the characters percent-encoded that must not stand in `place`.
///
/// Shape: a `%` is kept, whether or not two hex digits follow, and so is every %xx, in its case.
/// Source: the percent-encode sets of the WHATWG URL standard, section 1.3, for special schemes.
///         Departs from it where the text is not UTF-8: the bytes are encoded as they are.
void append_encoded(std::string& out, std::string_view text, url_place place);

/// Decodes every %xx; a `%` without two hex digits stays.
std::string percent_decode(std::string_view text);

/// The value of a hex digit; -1 when it is none.
int hex_value(char c) noexcept;

/// The text with A-Z in lower case, whatever the locale.
std::string ascii_lower(std::string_view text);

} // namespace weir::http::detail
