#pragma once

#include <array>
#include <string_view>

namespace weir::http::detail {

/// Which characters a token may have: a method, the name of a field.
///
/// Source: RFC 9110 section 5.6.2.
inline constexpr auto token_chars = [] {
    constexpr std::string_view all = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    std::array<bool, 256> table{};
    for (const char c : all)
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();

/// The token with which a text begins; empty when there is none.
inline std::string_view token_at_start(std::string_view text) noexcept
{
    std::size_t n = 0;
    while (n != text.size() && token_chars[static_cast<unsigned char>(text[n])])
        ++n;
    return text.substr(0, n);
}

} // namespace weir::http::detail
