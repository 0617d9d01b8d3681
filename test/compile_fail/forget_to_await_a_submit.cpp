// expect: nodiscard
#include <weir/flow/worker_pool.hpp>

void owner(weir::worker_pool<int, int>& jobs)
{
    auto operation = jobs.async_submit(1);
    (void)operation;
    jobs.async_submit(2, [](const weir::submit_result<int>&) {});
#ifdef WEIR_MISUSE
    jobs.async_submit(3);
#endif
}
