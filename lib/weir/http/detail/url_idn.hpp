#pragma once

#include <weir/http/error.hpp>

#include <string>

namespace weir::http::detail {

/// A host name in ASCII: in lower case, and in its `xn--` form where it is international.
///
/// Shape: `name` is UTF-8 without NUL. A name that is ASCII is never checked, only lower case.
/// Errors: class `bad_url`, for a name that is not UTF-8 or that IDNA does not allow.
/// Source: WHATWG URL, section 3.3, domain to ASCII; UTS #46, through libidn2. Departs from them in
///         what libidn2 2.3 does not offer: it refuses hyphens that CheckHyphens=false allows (at
///         the ends of a label, or two at its third place) and labels over 63 bytes; it maps
///         U+1E9E to `ss`; it refuses some characters of Unicode versions after its own.
result<std::string> name_to_ascii(const std::string& name);

} // namespace weir::http::detail
