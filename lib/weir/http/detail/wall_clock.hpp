#pragma once

#include <chrono>

namespace weir::http::detail {

/// The time of the wall clock, to which the dates of servers are compared.
inline std::chrono::sys_seconds wall_clock()
{
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

} // namespace weir::http::detail
