// expect: called with an item of its source
#include <weir/flow/map.hpp>

#include <string>
#include <vector>

void owner(const std::vector<int>& numbers)
{
    const auto right = weir::map(numbers, 2, [](int n) { return n; });
    (void)right;
#ifdef WEIR_MISUSE
    const auto wrong = weir::map(numbers, 2, [](const std::string& s) { return s; });
#endif
}
