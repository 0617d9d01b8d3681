#pragma once

namespace weir_fetch {

/// Another descriptor of what `fd` refers to, non-blocking on its own: setting O_NONBLOCK on a
/// descriptor we were given would set it for everybody who shares it, such as the shell whose
/// terminal it is. -1 when there is no such way (regular files, sockets, a terminal we may not
/// open).
int reopened(int fd, int flags);

/// Whether an event loop can wait for it.
bool is_waitable(int fd);

} // namespace weir_fetch
