#pragma once

namespace weir::test {

/// How many blocks this program holds: what it asked for by `operator new` and by `aligned_alloc`
/// (Asio's way), less what it gave back. Zero under a sanitizer, which counts by itself.
long blocks_held();

} // namespace weir::test
