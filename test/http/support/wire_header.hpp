#pragma once

#include <weir/http/detail/wire_header.hpp>

#include <string>
#include <string_view>

namespace weir::test {

/// The header of a request as it is sent.
inline std::string wire_header(const http::request& what, std::string_view user_agent)
{
    std::string out;
    http::detail::append_wire_header(out, what, user_agent, {}, {});
    return out;
}

} // namespace weir::test
