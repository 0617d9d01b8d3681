#pragma once

#include <boost/beast/http/fields.hpp>

#include <string_view>

namespace weir::http {

/// The header fields of a request or response, in order; a look-up ignores case.
using headers = boost::beast::http::fields;

/// Whether `name` is a valid field name: one or more token characters.
///
/// Source: RFC 9110 section 5.6.2.
bool is_field_name(std::string_view name) noexcept;

/// Whether `value` is free of CR, LF and NUL, with which it could end its field and begin another.
/// Beast's serializer does not check this.
bool is_field_value(std::string_view value) noexcept;

} // namespace weir::http
