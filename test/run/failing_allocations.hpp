#pragma once

namespace weir::test {

/// Whether allocations can be made to fail in this program: not under a sanitizer.
bool allocations_can_fail();

/// The next allocation but `after` by this thread fails: of `operator new`, or of Asio, which calls
/// `aligned_alloc`. Negative: none.
void fail_allocation(long after);

/// Whether one has failed since.
bool allocation_failed();

} // namespace weir::test
