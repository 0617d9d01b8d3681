#pragma once

namespace weir {

/// Stands for a queue that a `worker_pool` makes for itself, where its constructor could take a
/// channel of yours.
struct own_queue {};

} // namespace weir
