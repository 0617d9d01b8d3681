#pragma once

#include <cstddef>
#include <string>

namespace weir_fetch {

/// How many jobs a process with so many file descriptors can bear: each may hold a socket and a
/// file, and some are needed for everything else. At least 1.
std::size_t jobs_for(std::size_t descriptors, bool files, std::size_t wanted) noexcept;

/// Raises the soft limit of open files to the hard one; the limit then.
std::size_t raise_descriptor_limit();

} // namespace weir_fetch
