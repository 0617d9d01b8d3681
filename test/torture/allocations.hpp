#pragma once

#include <cstddef>
#include <string>

// Which allocations are the library's own, and which of these fail. The nearest function on the
// call stack decides that is more than an allocator or a container: it is in namespace weir (but
// not weir::sim or weir::test, which stand for the executor and the program), or it is not.

namespace weir::test {

/// Which of the library's allocations fail, counted from 0.
enum class failing { none, one, all_from };

/// From here on, for this thread. Counting begins anew.
void fail_allocations(failing which, std::size_t at);
/// Goes on with the counting, or stops for a while.
void count_allocations(bool on) noexcept;

/// How many of the library's own were seen, and how many of them failed.
std::size_t own_allocations() noexcept;
std::size_t failed_allocations() noexcept;
/// Those of Asio, of the test, and of others meanwhile.
std::size_t other_allocations() noexcept;

/// The functions of the library that asked for the one that failed first.
std::string first_failure();

/// How many blocks this program holds.
long blocks_held() noexcept;

} // namespace weir::test
