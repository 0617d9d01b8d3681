#include "limits.hpp"

#include "body_target.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>

namespace weir_fetch {
namespace {

/// For standard streams, epoll, event and timer descriptors, look-ups, the input, the folder.
constexpr std::size_t others = 48;
/// So many connections may be idle in any case: of those few are in use.
constexpr std::size_t least_idle = 8;

/// Bodies in order: as many are held as are running.
std::size_t descriptors_for_a_job(const options& chosen)
{
    switch (target_of(chosen)) {
    case body_target::directory:
    case body_target::file:
        return 2;
    case body_target::stream:
        return 3;
    default:
        return chosen.input_file.empty() ? 1 : 2; // a JSON line may name a file
    }
}

/// How many of the wanted jobs the file descriptors of a process allow, when a job needs `each`:
/// one for its socket, and those of files; some are left for everything else. At least 1.
std::size_t jobs_for(std::size_t descriptors, std::size_t each, std::size_t wanted) noexcept
{
    const std::size_t left = descriptors > others ? descriptors - others : 1;
    return std::max<std::size_t>(1, std::min(wanted, left / each));
}

/// Raises the soft limit of open files to the hard one, and returns it.
std::size_t raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        rlimit wanted = limit;
        wanted.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &wanted) == 0)
            limit = wanted;
    }
    return static_cast<std::size_t>(limit.rlim_cur);
}

} // namespace

options within_limits(options chosen)
{
    const auto descriptors = raise_descriptor_limit();
    const auto each = descriptors_for_a_job(chosen);
    const auto jobs = jobs_for(descriptors, each, chosen.jobs);
    if (jobs < chosen.jobs) {
        std::fprintf(
            stderr, "weir-fetch: --jobs %zu is more than the limit of %zu open files allows: %zu\n",
            chosen.jobs, descriptors, jobs);
        chosen.jobs = jobs;
    }
    // A file finds no descriptor where idle connections have them all.
    const auto used = others + each * jobs;
    chosen.max_idle = std::max(least_idle, descriptors > used ? descriptors - used : 0);
    return chosen;
}

} // namespace weir_fetch
