#pragma once

#include <boost/beast/http/fields.hpp>

#include <string_view>

namespace weir::http {

/// The fields of a request or response, in their order, looked up without regard to case.
using headers = boost::beast::http::fields;

/// True when `name` may stand as a field name: one or more token characters (RFC 9110 section
/// 5.6.2).
bool is_field_name(std::string_view name) noexcept;

/// True when `value` holds no CR, LF or NUL, which would let it end the field and begin another.
/// Beast's serializer lets them pass.
bool is_field_value(std::string_view value) noexcept;

} // namespace weir::http
