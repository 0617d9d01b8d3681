#pragma once

#include "options.hpp"

namespace weir_fetch {

/// Runs the program. Results go to standard output, or to standard error where bodies are printed;
/// messages go to standard error.
exit_code run(const options& chosen);

} // namespace weir_fetch
