// expect: a callable returns an operation that nothing starts
#include <weir/flow/task_pool.hpp>
#include <weir/time/sleep.hpp>

#include <chrono>

void owner(weir::task_pool& tasks)
{
    (void)tasks.try_submit([] { return 1; });
#ifdef WEIR_MISUSE
    (void)tasks.try_submit(
        [e = tasks.get_executor()] { return weir::async_sleep_for(e, std::chrono::seconds(1)); });
#endif
}
