#pragma once

#include "explorer.hpp"
#include "weakened.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <ctime>
#include <functional>
#include <iostream>
#include <map>
#include <string>

namespace weir::test {

using scenario_function = std::function<std::function<void()>(explorer&)>;

/// The memory orders that the scopes use, each weakened in turn: which one notices? For
/// WEIR_WEAKEN=1, see weakened_orders.cpp.
class weakened_orders {
public:
    static weakened_orders* asked(); ///< null when nobody asked

    void try_scope(const std::string& name, const scenario_function& scenario, bounds here);
    ~weakened_orders();

private:
    struct fate {
        std::string killed_by;
        unsigned scopes = 0;
    };
    std::map<weakening, fate> fates_;
};

/// Explores a scenario completely and prints the number of schedules. With four threads an old
/// store takes the place of a preemption, with more memory is sequentially consistent.
/// WEIR_PREEMPTIONS, WEIR_STALE: so many in every scope. WEIR_SCOPE, WEIR_REPLAY: one run again.
inline void every_order(const std::string& name, const scenario_function& scenario,
                        unsigned preemptions = 2, unsigned stale = 1)
{
    const char* only = std::getenv("WEIR_SCOPE");
    if (only != nullptr && name != only)
        return;
    bounds here(preemptions, stale, stale);
    if (const char* wanted = std::getenv("WEIR_PREEMPTIONS"))
        here.preemptions = unsigned(std::atoi(wanted));
    if (const char* wanted = std::getenv("WEIR_STALE"))
        here.stale = unsigned(std::atoi(wanted));
    else {
        here.separate = 3;
        here.weak_threads = 4;
    }
    here.merge = std::getenv("WEIR_UNMERGED") == nullptr;
    if (weakened_orders* const orders = weakened_orders::asked())
        return orders->try_scope(name, scenario, here);
    const char* replay = std::getenv("WEIR_REPLAY");
    explorer e(here, replay != nullptr && only != nullptr ? replay : "");
    const std::clock_t begin = std::clock();
    const explored found = e.explore(scenario);
    const auto ms = (std::clock() - begin) / (CLOCKS_PER_SEC / 1000);
    std::cout << name << ": " << found.runs << " schedules, at most " << here.preemptions
              << " preemptions and " << here.stale << " old stores, " << ms
              << " ms, complete: " << (found.complete ? "yes" : "no") << std::endl;
    BOOST_CHECK_MESSAGE(found.failure.empty(), name << ": " << found.failure << "\n  WEIR_SCOPE='"
                                                    << name << "' WEIR_REPLAY=" << found.choices);
    BOOST_CHECK_MESSAGE(found.complete || replay != nullptr, name << ": not complete");
}

} // namespace weir::test
