#pragma once

#include <exception>
#include <string>

namespace weir::http::detail {

/// Throws for what a source or a receiver of the user's threw: `failed` and operation_aborted as
/// they are, anything else as `failed`, class `io`, with `what` before its text.
[[noreturn]] void throw_as_io(const std::exception_ptr& error, const std::string& what);

} // namespace weir::http::detail
