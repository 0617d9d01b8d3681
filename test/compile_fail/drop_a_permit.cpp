// expect: nodiscard
#include <weir/sync/semaphore.hpp>

void owner(weir::semaphore& limit)
{
    const auto mine = limit.try_acquire();
    (void)mine;
#ifdef WEIR_MISUSE
    limit.try_acquire();
#endif
}
