#pragma once

#include <weir/http/detail/message_lines.hpp>
#include <weir/http/headers.hpp>

#include <cstddef>
#include <string_view>

namespace weir::http::detail {

/// Calls `function` with each element of the comma-separated lists in the fields of that name, also
/// with empty ones.
///
/// Source: RFC 9110 section 5.6.1.
template <class Function>
void for_each_element(const headers& fields, std::string_view name, Function function)
{
    for (std::size_t i = fields.find(name); i != fields.size(); i = fields.find(name, i + 1)) {
        std::string_view rest = fields.at(i).value;
        for (;;) {
            const auto comma = rest.find(',');
            function(trimmed(rest.substr(0, comma)));
            if (comma == std::string_view::npos)
                break;
            rest.remove_prefix(comma + 1);
        }
    }
}

/// Whether one of these elements is the token.
inline bool has_element(const headers& fields, std::string_view name, std::string_view token)
{
    bool found = false;
    for_each_element(fields, name,
                     [&](std::string_view element) { found |= same_token(element, token); });
    return found;
}

} // namespace weir::http::detail
