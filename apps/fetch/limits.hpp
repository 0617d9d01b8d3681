#pragma once

#include "options.hpp"

namespace weir_fetch {

/// The options with as many jobs as descriptors allow, which is said on standard error.
options within_limits(options chosen);

} // namespace weir_fetch
