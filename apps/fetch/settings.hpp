#pragma once

#include "options.hpp"

#include <weir/http/fetcher_options.hpp>

namespace weir_fetch {

/// The options of the fetcher for a command line.
weir::http::fetcher_options fetcher_options_for(const options& chosen);

} // namespace weir_fetch
