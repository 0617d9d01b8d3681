#include "scope.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace weir::test {

namespace {

const char* name(std::memory_order o)
{
    constexpr const char* names[] = {"relaxed", "consume", "acquire",
                                     "release", "acq_rel", "seq_cst"};
    return names[static_cast<int>(o)];
}

// One step.
std::vector<std::memory_order> weaker(std::memory_order o)
{
    switch (o) {
    case std::memory_order_seq_cst:
        return {std::memory_order_acq_rel};
    case std::memory_order_acq_rel:
        return {std::memory_order_acquire, std::memory_order_release};
    case std::memory_order_relaxed:
        return {};
    default:
        return {std::memory_order_relaxed};
    }
}

// In a process of its own: with a weak order a list may be left in any state.
std::string failure_of(const scenario_function& scenario, const bounds& here)
{
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0)
        throw std::runtime_error("weakened_orders: no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
        for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
            std::signal(signal, SIG_DFL);
        const std::string failure = explorer(here).explore(scenario).failure;
        const bool told = ::write(ends[1], failure.data(), failure.size()) >= 0;
        ::_exit(told ? 0 : 1);
    }
    ::close(ends[1]);
    std::string text(200, ' ');
    const auto size = std::max<ssize_t>(::read(ends[0], text.data(), text.size()), 0);
    text.resize(static_cast<std::size_t>(size));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return status == 0 ? text : "it crashed";
}

std::uint64_t at_most()
{
    const char* const runs = std::getenv("WEIR_WEAKEN_RUNS");
    return runs != nullptr ? std::strtoull(runs, nullptr, 10) : 20'000;
}

} // namespace

weakened_orders* weakened_orders::asked()
{
    static weakened_orders orders;
    static const bool is_asked = std::getenv("WEIR_WEAKEN") != nullptr;
    return is_asked ? &orders : nullptr;
}

// An order that is weakened to what it may become is weakened further: seq_cst to acq_rel, and
// that to acquire and to release.
void weakened_orders::try_scope(const std::string& name, const scenario_function& scenario,
                                bounds here)
{
    std::set<weakening> used;
    orders_used = &used;
    here.runs = at_most();
    explorer(here).explore(scenario);
    orders_used = nullptr;
    for (weakening w : used) {
        if (w.file.find("/weir/") == std::string::npos)
            continue;
        std::vector<std::memory_order> tried = weaker(w.from);
        for (std::size_t i = 0; i < tried.size(); ++i) {
            w.to = tried[i];
            fate& f = fates_[w];
            if (f.killed_by.empty()) {
                weakened = &w;
                const std::string failure = failure_of(scenario, here);
                weakened = nullptr;
                ++f.scopes;
                if (!failure.empty())
                    f.killed_by = name + ": " + failure;
            }
            if (f.killed_by.empty())
                for (const std::memory_order next : weaker(w.to))
                    tried.push_back(next);
        }
    }
}

weakened_orders::~weakened_orders()
{
    std::size_t killed = 0;
    for (const auto& [w, f] : fates_) {
        killed += !f.killed_by.empty();
        std::cout << w.file.substr(w.file.find("/weir/") + 1) << ':' << w.line << ' '
                  << test::name(w.from) << " -> " << test::name(w.to) << ": "
                  << (f.killed_by.empty() ? "survived " + std::to_string(f.scopes) + " scopes"
                                          : "killed by " + f.killed_by)
                  << '\n';
    }
    if (!fates_.empty())
        std::cout << "weakened orders: " << killed << " killed of " << fates_.size() << std::endl;
}

} // namespace weir::test
