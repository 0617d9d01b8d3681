#pragma once

#include <weir/error.hpp>

#include <cerrno>

namespace weir::http::detail {

/// What errno says.
inline error_code last_error()
{
    return error_code(errno, boost::system::system_category());
}

} // namespace weir::http::detail
