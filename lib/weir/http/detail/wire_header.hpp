#pragma once

#include <weir/http/request.hpp>

#include <string>
#include <string_view>

namespace weir::http::detail {

/// Adds the header of a request as it is sent: Host, User-Agent, Accept, Accept-Encoding unless
/// `codings` is empty, the other fields, and `framing`, the lines that describe its body.
void append_wire_header(std::string& out, const request& what, std::string_view user_agent,
                        std::string_view codings, std::string_view framing);

} // namespace weir::http::detail
