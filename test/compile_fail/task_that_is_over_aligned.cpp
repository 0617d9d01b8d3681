// expect: not over-aligned
#include <weir/flow/task_pool.hpp>

struct alignas(64) line {
    char bytes[64] = {};
};

void owner(weir::task_pool& tasks)
{
    (void)tasks.try_submit([kept = std::make_shared<line>()] { return kept->bytes[0]; });
#ifdef WEIR_MISUSE
    (void)tasks.try_submit([kept = line()] { return kept.bytes[0]; });
#endif
}
