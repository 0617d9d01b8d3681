// expect: nodiscard
#include <weir/flow/task_pool.hpp>

void owner(weir::task_pool& tasks)
{
    const auto kept = tasks.try_submit([] { return 1; });
    (void)kept;
#ifdef WEIR_MISUSE
    tasks.try_submit([] { return 2; });
#endif
}
