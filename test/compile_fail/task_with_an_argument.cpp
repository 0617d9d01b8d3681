// expect: a callable takes nothing, or a job_context&
#include <weir/flow/task_pool.hpp>

void owner(weir::task_pool& tasks)
{
    (void)tasks.try_submit([] { return 1; });
#ifdef WEIR_MISUSE
    (void)tasks.try_submit([](int n) { return n; });
#endif
}
