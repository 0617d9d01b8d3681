#pragma once

#include "run_memory.hpp"

#include <atomic>
#include <compare>
#include <set>
#include <string>

// Each memory order of the code under test can be weakened by the place where it is written: a
// mutant that needs no compiler.

namespace weir::test {

/// Where an atomic is used, as the compiler sees it (clang 14 has no `std::source_location`).
struct place {
    const char* file;
    int line;

    static constexpr place here(const char* file = __builtin_FILE(), int line = __builtin_LINE())
    {
        return {file, line};
    }
};

struct weakening {
    std::string file;
    int line = 0;
    std::memory_order from = std::memory_order_seq_cst;
    std::memory_order to = std::memory_order_relaxed;

    auto operator<=>(const weakening&) const = default;
};

inline const weakening* weakened = nullptr;        // in force
inline std::set<weakening>* orders_used = nullptr; // where somebody wants a list of them

inline std::memory_order in_force(const place& at, std::memory_order o)
{
    if (orders_used != nullptr) {
        const run_memory::not_of_the_run here;
        orders_used->insert({at.file, at.line, o, o});
    }
    if (weakened != nullptr && at.line == weakened->line && o == weakened->from &&
        weakened->file == at.file)
        return weakened->to;
    return o;
}

} // namespace weir::test
