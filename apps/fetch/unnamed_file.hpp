#pragma once

#include <weir/error.hpp>

#include <string>

namespace weir_fetch {

/// Opens a file in `folder` that has no name, and is gone when it is closed. Returns its
/// descriptor; below 0, with an error.
int open_unnamed(const std::string& folder, weir::error_code& error);

/// Where such files are made: the folder of `--spill-dir`, $TMPDIR, or /tmp.
std::string folder_for_unnamed(const std::string& spill_dir);

} // namespace weir_fetch
