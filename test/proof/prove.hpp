#pragma once

// Prints one line per proof: what was explored, how many schedules, complete or not. A failure
// prints the command that replays it.

#include <weir/sim/context.hpp>
#include <weir/sim/explore.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace weir::test {

/// Thrown by a scenario when a promise is broken.
struct broken : std::logic_error {
    using std::logic_error::logic_error;
};

inline void expect(bool holds, const char* promise)
{
    if (!holds)
        throw broken(promise);
}

/// Remembers the first broken promise, for code that must not throw, such as a hook.
class verdict {
public:
    void expect(bool holds, const char* promise) noexcept
    {
        if (!holds && first_ == nullptr)
            first_ = promise;
    }
    void check() const
    {
        if (first_ != nullptr)
            throw broken(first_);
    }

private:
    const char* first_ = nullptr;
};

/// Whether proofs are cut short, which they then say. So it is without optimisation and under a
/// sanitizer, where they would take a day. WEIR_PROOF=small, =full or =long overrides it.
bool is_small();
/// Whether scopes that take minutes are explored too.
bool is_long();

/// Whether a single schedule was asked for: WEIR_REPLAY or WEIR_SEED.
bool is_replay();

/// The number of random seeds: WEIR_PROOF_SEEDS, or 10,000 (500 when small).
std::uint64_t seeds();

/// Runs the scenario under all schedules, and checks that none failed and none was left out. With
/// WEIR_REPLAY=choices or WEIR_SEED=seed it runs that schedule alone, with WEIR_SCOPE=what that
/// scope alone. A failure prints the whole command.
void prove(const std::string& what, sim::schedules which,
           const std::function<void(sim::world&)>& scenario);

/// For faults that must be found: explores all schedules and returns how many failed.
sim::report find_violations(const std::string& what,
                            const std::function<void(sim::world&)>& scenario);

} // namespace weir::test
