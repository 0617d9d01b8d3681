#pragma once

#include <string>
#include <string_view>

namespace weir_fetch {

/// The name a URL's body is stored under: the last part of its path and its query, made safe.
///
/// Shape     `target` is the path and query of a request, still percent-encoded, as it stays.
///           Characters that mean something to a shell or a file system become `_`; so does what
///           would be a leading dot or dash, or a reserved name. An empty name is `index.html`. At
///           most 200 bytes.
std::string file_name(std::string_view target);

/// The n-th form of a name that is taken: `name`, then `name.1`, `name.2`.
std::string numbered(std::string_view name, unsigned n);

} // namespace weir_fetch
