#include <weir/detail/short_mutex.hpp>

#include <thread>

// Not in the header, which every program includes: `<thread>` is one of the slowest to compile.

namespace weir::detail {

void yield_time_slice() noexcept
{
    std::this_thread::yield();
}

} // namespace weir::detail
