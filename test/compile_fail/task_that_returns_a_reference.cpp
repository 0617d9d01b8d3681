// expect: for a reference, return a pointer
#include <weir/flow/task_pool.hpp>

void owner(weir::task_pool& tasks, int& shared)
{
    (void)tasks.try_submit([&shared] { return &shared; });
#ifdef WEIR_MISUSE
    (void)tasks.try_submit([&shared]() -> int& { return shared; });
#endif
}
