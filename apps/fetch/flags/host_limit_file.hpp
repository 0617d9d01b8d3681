#pragma once

#include "options.hpp"

#include <string>
#include <vector>

namespace weir_fetch {

/// The limits of single hosts in the file of `--host-limits`, which is JSON with comments.
///
/// Errors: throws std::runtime_error that says where in the file something is wrong, and what would
///         be right.
std::vector<host_limit> host_limits_in(const std::string& file);

} // namespace weir_fetch
