// expect: deleted
#include <weir/policy/breaker.hpp>

#include <string>

void owner(weir::breaker<std::string>::pass& mine)
{
    const weir::breaker<std::string>::pass moved = std::move(mine);
#ifdef WEIR_MISUSE
    const weir::breaker<std::string>::pass copied = moved;
#endif
}
