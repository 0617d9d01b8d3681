// expect: deleted
#include <weir/sync/semaphore.hpp>

void owner(weir::permit& mine)
{
    const weir::permit moved = std::move(mine);
#ifdef WEIR_MISUSE
    const weir::permit copied = moved;
#endif
}
