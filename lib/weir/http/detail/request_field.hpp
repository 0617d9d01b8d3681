#pragma once

#include <string_view>

namespace weir::http::detail {

/// Checks that a user may add this header field to a request.
///
/// Errors: throws `std::invalid_argument` for a name or value that could break out of its line, and
///         for a field that frames the message and is therefore written by the client:
///         Content-Length, Transfer-Encoding, Expect, Upgrade, TE, Trailer; and for a Connection
///         that is neither `close` nor `keep-alive`.
void check_request_field(std::string_view name, std::string_view value);

} // namespace weir::http::detail
