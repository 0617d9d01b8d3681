#pragma once

namespace weir::test {

/// How many blocks this program holds: allocated by `operator new` or, as Asio does, by
/// `aligned_alloc`, and not freed. Zero under a sanitizer, which does its own accounting.
long blocks_held();

} // namespace weir::test
