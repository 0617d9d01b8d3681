#include "descriptors.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace weir_fetch {

int reopened(int fd, int flags)
{
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    return ::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

bool is_waitable(int fd)
{
    struct stat what;
    if (::fstat(fd, &what) != 0)
        return false;
    return S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode) ||
           (S_ISCHR(what.st_mode) && ::isatty(fd) != 0);
}

} // namespace weir_fetch
