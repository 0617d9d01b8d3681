#pragma once

#include "options.hpp"

namespace weir_fetch {

/// Runs the program: results go to standard output, everything else to standard error.
exit_code run(const options& chosen);

} // namespace weir_fetch
