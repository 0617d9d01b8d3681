#pragma once

#include <weir/http/headers.hpp>
#include <weir/time/clock.hpp>

#include <optional>
#include <string_view>

namespace weir::http::detail {

/// The seconds in a field such as `Keep-Alive: timeout=5, max=100`; nothing when it holds none.
std::optional<unsigned> keep_alive_seconds(std::string_view field);

/// How long a connection may stay idle after a response with these fields: `idle_timeout`, or one
/// second less than the server's Keep-Alive when that is shorter. Zero or less: close it now.
duration idle_time(const headers& fields, duration idle_timeout);

} // namespace weir::http::detail
