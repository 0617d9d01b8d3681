#include "proof/prove.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_PROOF_SANITIZED
#endif
#endif

namespace weir::test {
namespace {

const char* setting(const char* name)
{
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : nullptr;
}

std::string replay(const std::string& what, const sim::failure& f)
{
    return "WEIR_SCOPE='" + what + "' WEIR_REPLAY=" + f.choices + " " +
           boost::unit_test::framework::master_test_suite().argv[0] +
           " --run_test=" + boost::unit_test::framework::current_test_unit().full_name();
}

#if defined(WEIR_PROOF_SANITIZED)
constexpr std::uint64_t cut_short_after = 60; // a schedule takes several times as long
#else
constexpr std::uint64_t cut_short_after = 1000;
#endif

sim::report run_and_print(const std::string& what, const sim::schedules& which,
                          const std::function<void(sim::world&)>& scenario)
{
    const auto begin = std::chrono::steady_clock::now();
    sim::report found = sim::explore(which, scenario);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%-66s %9llu schedules, %10llu steps, complete: %-3s %6.2f s\n", what.c_str(),
                static_cast<unsigned long long>(found.schedules),
                static_cast<unsigned long long>(found.steps), found.complete ? "yes" : "no",
                took.count());
    std::fflush(stdout);
    return found;
}

} // namespace

bool is_small()
{
    if (const char* value = setting("WEIR_PROOF"))
        return std::string_view(value) == "small";
#if defined(__OPTIMIZE__) && !defined(WEIR_PROOF_SANITIZED)
    return false;
#else
    return true;
#endif
}

bool is_long()
{
    const char* value = setting("WEIR_PROOF");
    return value != nullptr && std::string_view(value) == "long";
}

bool is_replay()
{
    return setting("WEIR_REPLAY") != nullptr || setting("WEIR_SEED") != nullptr;
}

std::uint64_t seeds()
{
    if (const char* value = setting("WEIR_PROOF_SEEDS"))
        return std::strtoull(value, nullptr, 10);
    return is_small() ? 500 : 10'000;
}

void prove(const std::string& what, sim::schedules which,
           const std::function<void(sim::world&)>& scenario)
{
    if (const char* scope = setting("WEIR_SCOPE"))
        if (what != scope)
            return;
    bool whole = false;
    if (const char* choices = setting("WEIR_REPLAY")) {
        which = sim::schedules::replay(choices);
    } else if (const char* seed = setting("WEIR_SEED")) {
        which = sim::schedules::random(1, std::strtoull(seed, nullptr, 10));
    } else if (is_small()) {
        which.at_most(cut_short_after);
    } else {
        whole = true;
    }
    sim::report found = run_and_print(what, which, scenario);
    if (is_small() && found.failures == 0 && !found.complete) // the first ones are one-sided
        found = run_and_print(what, sim::schedules::random(cut_short_after), scenario);
    if (found.failures != 0)
        BOOST_ERROR(what << ": " << found.text() << "\nto see it again:\n"
                         << replay(what, *found.first));
    else
        BOOST_TEST((!whole || found.complete), what << ": not complete");
}

sim::report find_violations(const std::string& what,
                            const std::function<void(sim::world&)>& scenario)
{
    sim::schedules which = sim::schedules::all();
    which.count_failures();
    return run_and_print(what, which, scenario);
}

} // namespace weir::test
