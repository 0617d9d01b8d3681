// expect: nodiscard
#include <weir/flow/worker_pool.hpp>

void owner(weir::worker_pool<int, int>& jobs)
{
    const auto kept = jobs.try_submit(1);
    (void)kept;
#ifdef WEIR_MISUSE
    jobs.try_submit(2);
#endif
}
