// expect: deleted
#include <weir/policy/keyed_semaphore.hpp>

#include <string>

void owner(weir::keyed_permit<std::string>& mine)
{
    const weir::keyed_permit<std::string> moved = std::move(mine);
#ifdef WEIR_MISUSE
    const weir::keyed_permit<std::string> copied = moved;
#endif
}
