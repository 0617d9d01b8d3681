#include "unnamed_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace weir_fetch {

int open_unnamed(const std::string& folder, weir::error_code& error)
{
    int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    // The file system may not support it.
    std::string name = folder + "/weir-fetch-XXXXXX";
    fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd < 0)
        error = weir::error_code(errno, boost::system::system_category());
    else
        ::unlink(name.c_str());
    return fd;
}

std::string folder_for_unnamed(const std::string& spill_dir)
{
    if (!spill_dir.empty())
        return spill_dir;
    const char* const temporary = std::getenv("TMPDIR");
    return temporary != nullptr && *temporary != '\0' ? temporary : "/tmp";
}

} // namespace weir_fetch
