#pragma once

namespace weir::http::detail {

/// Whether it is one of the digits 0 to 9, whatever the locale.
constexpr bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

} // namespace weir::http::detail
