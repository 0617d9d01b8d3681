#pragma once

#include "options.hpp"

#include <weir/http/network_options.hpp>

namespace weir_fetch {

/// How hosts are reached, for a command line and the environment.
///
/// Errors: throws `std::invalid_argument` for a value that cannot be read.
weir::http::network_options network_options_for(const options& chosen);

} // namespace weir_fetch
