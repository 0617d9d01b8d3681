#pragma once

#include "options.hpp"

namespace weir_fetch {

/// Runs the program: results on standard output, everything else on standard error.
exit_code run(const options& chosen);

} // namespace weir_fetch
