#pragma once

#include "options.hpp"

#include <string>

namespace weir_fetch {

/// Where bodies go.
enum class body_target {
    nowhere,   ///< they are counted and discarded
    directory, ///< each into a file of its own
    file,      ///< the one body into the file that was named
    stream     ///< to standard output or another pipe or device, one after another
};

/// What a command line asks for. `--output` names a stream when it is `-`, or when it is there and
/// no regular file; `/dev/null` discards.
body_target target_of(const options& chosen);

/// Whether a name of a file means standard output.
bool is_standard_output(const std::string& file);

} // namespace weir_fetch
