#pragma once

#include <string_view>

namespace weir::http::detail {

/// What a status is called, such as `Not Found`; empty when it is not known.
///
/// Source: the registry of HTTP status codes of IANA.
std::string_view status_name(unsigned status) noexcept;

} // namespace weir::http::detail
