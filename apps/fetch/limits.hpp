#pragma once

#include "options.hpp"

#include <cstddef>

namespace weir_fetch {

/// How many of the wanted jobs the file descriptors of a process allow, when a job needs `each`:
/// one for its socket, and those of files; some are left for everything else. At least 1.
std::size_t jobs_for(std::size_t descriptors, std::size_t each, std::size_t wanted) noexcept;

/// Raises the soft limit of open files to the hard one, and returns it.
std::size_t raise_descriptor_limit();

/// The options with as many jobs as descriptors allow, which is said on standard error.
options within_limits(options chosen);

} // namespace weir_fetch
