// expect: deleted
#include <weir/policy/admission.hpp>

void owner(weir::admission<>::pass& mine)
{
    const weir::admission<>::pass moved = std::move(mine);
#ifdef WEIR_MISUSE
    const weir::admission<>::pass copied = moved;
#endif
}
