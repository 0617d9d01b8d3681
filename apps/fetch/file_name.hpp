#pragma once

#include <string>
#include <string_view>

namespace weir_fetch {

/// The name under which a URL's body is stored: the last part of its path and its query, made safe.
///
/// Shape: `target` is the path and query of a request; it is percent-encoded and stays so. An empty
///        name is `index.html`. See `safe_name` for the rest.
std::string file_name(std::string_view target);

/// The folder for what a host sends. `host` is as in a Host header.
///
/// Shape: the name or address of the host, made safe, and `+PORT` where the port is not the one of
///        the scheme.
std::string host_folder(std::string_view host);

/// Any text as the name of a file.
///
/// Shape: characters with a meaning for a shell or a file system become `_`, and so does a leading
///        dot or dash. A name that is reserved on some systems gets a leading `_`. At most 200
///        bytes, and at least one.
std::string safe_name(std::string name);

/// What is wrong with the path of a file that somebody wants to have in a folder, where it must
/// stay; empty when nothing is.
///
/// Shape: names with `/` between them, none of which is `..`. It is not changed, so that whoever
///        chose it finds the file: what `safe_name` would replace is refused if it does harm.
std::string fault_of_path(std::string_view path);

/// Whether a path leads to nothing outside of its folder: it has no `..`, and no `/` at its begin.
bool stays_inside(std::string_view path);

/// The n-th name to try when `name` is taken: `name`, then `name.1`, `name.2`.
std::string numbered(std::string_view name, unsigned n);

} // namespace weir_fetch
