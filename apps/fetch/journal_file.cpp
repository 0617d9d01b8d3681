#include "journal_file.hpp"

#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace weir_fetch {
namespace {

using boost::system::system_error;

weir::error_code last_error()
{
    return weir::error_code(errno, boost::system::system_category());
}

class file_on_disk final : public journal_file {
public:
    file_on_disk(int descriptor, const std::string& path)
        : descriptor_(descriptor), home_((std::filesystem::path(path).parent_path() / ".").string())
    {
    }
    file_on_disk(const file_on_disk&) = delete;
    file_on_disk& operator=(const file_on_disk&) = delete;
    ~file_on_disk() override { ::close(descriptor_); }

    std::size_t read(std::uint64_t at, char* to, std::size_t size, weir::error_code& error) override
    {
        for (;;) {
            const auto n = ::pread(descriptor_, to, size, static_cast<off_t>(at));
            if (n >= 0)
                return static_cast<std::size_t>(n);
            if (errno != EINTR) {
                error = last_error();
                return 0;
            }
        }
    }
    weir::error_code append(std::string_view bytes) override
    {
        while (!bytes.empty()) {
            const auto n = ::write(descriptor_, bytes.data(), bytes.size());
            if (n >= 0)
                bytes.remove_prefix(static_cast<std::size_t>(n));
            else if (errno != EINTR)
                return last_error();
        }
        return {};
    }
    weir::error_code truncate(std::uint64_t size) override
    {
        return ::ftruncate(descriptor_, static_cast<off_t>(size)) == 0 ? weir::error_code()
                                                                       : last_error();
    }
    weir::error_code sync() override
    {
        if (::fdatasync(descriptor_) != 0)
            return last_error();
        return std::exchange(name_is_synced_, true) ? weir::error_code() : sync_name();
    }

private:
    /// A new file is there after a loss of power only when its directory was synced.
    weir::error_code sync_name() const
    {
        const int home = ::open(home_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (home < 0)
            return last_error();
        const auto error = ::fsync(home) == 0 ? weir::error_code() : last_error();
        ::close(home);
        return error;
    }

    int descriptor_;
    std::string home_; // the directory
    bool name_is_synced_ = false;
};

} // namespace

std::unique_ptr<journal_file> open_journal_file(const std::string& path)
{
    // Not blocking: a FIFO without a reader would hold up the program for ever.
    const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK;
    const int descriptor = ::open(path.c_str(), flags, 0666);
    if (descriptor < 0)
        throw system_error(last_error());
    auto file = std::make_unique<file_on_disk>(descriptor, path);
    struct stat what;
    if (::fstat(descriptor, &what) != 0)
        throw system_error(last_error());
    if (!S_ISREG(what.st_mode))
        throw system_error(weir::error_code(EINVAL, boost::system::system_category()));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        throw system_error(last_error());
    return file;
}

} // namespace weir_fetch
