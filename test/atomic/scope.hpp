#pragma once

#include "explorer.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

namespace weir::test {

/// Explores a scenario completely and prints the number of schedules. WEIR_PREEMPTIONS: that many
/// in every scope. WEIR_SCOPE and WEIR_REPLAY: one schedule of one scope again.
inline void every_order(const std::string& name,
                        const std::function<std::function<void()>(explorer&)>& scenario,
                        unsigned preemptions_here = 2)
{
    const char* only = std::getenv("WEIR_SCOPE");
    if (only != nullptr && name != only)
        return;
    const char* wanted = std::getenv("WEIR_PREEMPTIONS");
    const char* replay = std::getenv("WEIR_REPLAY");
    const unsigned preemptions = wanted != nullptr ? unsigned(std::atoi(wanted)) : preemptions_here;
    explorer e(preemptions, replay != nullptr && only != nullptr ? replay : "");
    const explored found = e.explore(scenario);
    std::cout << name << ": " << found.schedules << " schedules, at most " << preemptions
              << " preemptions, complete: " << (found.complete ? "yes" : "no") << std::endl;
    BOOST_CHECK_MESSAGE(found.failure.empty(), name << ": " << found.failure << "\n  WEIR_SCOPE='"
                                                    << name << "' WEIR_REPLAY=" << found.choices);
    BOOST_CHECK_MESSAGE(found.complete || replay != nullptr, name << ": not complete");
}

} // namespace weir::test
