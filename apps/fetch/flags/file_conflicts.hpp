#pragma once

#include "../options.hpp"

#include <string>

namespace weir_fetch {

/// Why two of the files that a run reads and writes cannot be the same one; empty when they differ.
/// Some are written as `NAME.part` first: that may be none of the others. `--remaining` may name
/// the input: it is written when that has been read.
std::string fault_of_files(const options& chosen);

} // namespace weir_fetch
