// expect: the handler is called as
#include <weir/flow/worker_pool.hpp>

int right_way(int);
int wrong_way(const char*);

void owner(weir::runner_pool& runners)
{
    const weir::worker_pool<int, int> right(runners, weir::pool_options(1), right_way);
#ifdef WEIR_MISUSE
    const weir::worker_pool<int, int> wrong(runners, weir::pool_options(1), wrong_way);
#endif
}
