#pragma once

namespace weir_fetch {

/// Opens what `fd` refers to once more, non-blocking. O_NONBLOCK on `fd` itself would also apply to
/// every other process that shares it, such as the shell whose terminal it is.
///
/// Shape: -1 when it cannot be opened again: sockets, and terminals that may not be opened.
int reopened(int fd, int flags);

/// Whether an event loop can wait for the descriptor.
bool is_waitable(int fd);

} // namespace weir_fetch
