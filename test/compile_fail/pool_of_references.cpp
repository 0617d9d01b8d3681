// expect: R is a value
#include <weir/flow/worker_pool.hpp>

int* pointer(int);
int& reference(int);

void owner(weir::runner_pool& runners)
{
    const weir::worker_pool<int, int*> right(runners, weir::pool_options(1), pointer);
#ifdef WEIR_MISUSE
    const weir::worker_pool<int, int&> wrong(runners, weir::pool_options(1), reference);
#endif
}
