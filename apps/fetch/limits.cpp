#include "limits.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace weir_fetch {

std::size_t jobs_for(std::size_t descriptors, std::size_t each, std::size_t wanted) noexcept
{
    // For standard streams, epoll, event and timer descriptors, look-ups, the input, the folder.
    constexpr std::size_t others = 48;
    const std::size_t left = descriptors > others ? descriptors - others : 1;
    return std::max<std::size_t>(1, std::min(wanted, left / each));
}

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

} // namespace weir_fetch
