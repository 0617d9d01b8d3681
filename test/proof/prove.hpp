#pragma once

// One line a proof: what was explored, how many schedules, complete or not. A failure prints what
// replays it.

#include <weir/sim/context.hpp>
#include <weir/sim/explore.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace weir::test {

/// What a scenario throws when a promise is broken.
struct broken : std::logic_error {
    using std::logic_error::logic_error;
};

inline void expect(bool holds, const char* promise)
{
    if (!holds)
        throw broken(promise);
}

/// For where nothing may be thrown, as in a hook: remembers the first promise that was broken.
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

/// Without optimisation, or under a sanitizer, a proof would take the day: there it is cut short,
/// and says so. WEIR_PROOF=small, =full or =long overrules it.
bool is_small();
/// Scopes that take minutes, too.
bool is_long();

/// One schedule alone was asked for: WEIR_REPLAY or WEIR_SEED.
bool is_replay();

/// How many random seeds: WEIR_PROOF_SEEDS, or 10,000 (500 when small).
std::uint64_t seeds();

/// Runs the scenario under the schedules and checks that none failed and that none was left out.
/// With WEIR_REPLAY=choices, or WEIR_SEED=seed, runs that one schedule alone; with
/// WEIR_SCOPE=what, that scope alone. A failure prints the whole command.
void prove(const std::string& what, sim::schedules which,
           const std::function<void(sim::world&)>& scenario);

/// The other way round: explores all, and returns how many failed.
sim::report find_violations(const std::string& what,
                            const std::function<void(sim::world&)>& scenario);

} // namespace weir::test
