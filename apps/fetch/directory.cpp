#include "directory.hpp"

#include "file_name.hpp"

#include <fcntl.h>
#include <stdio.h> // renameat2
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace weir_fetch {
namespace {

weir::error_code last_error()
{
    return weir::error_code(errno, boost::system::system_category());
}

std::string part_of(const std::string& name)
{
    return name + ".part";
}

} // namespace

new_file::new_file(directory& home, std::string name, int descriptor)
    : home_(home), name_(std::move(name)), descriptor_(descriptor)
{
}

new_file::~new_file()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
    if (!kept_) {
        ::unlinkat(home_.descriptor_, part_of(name_).c_str(), 0);
        home_.next_number_.erase(name_); // another attempt may have it
    }
}

weir::error_code new_file::write(std::string_view part)
{
    while (!part.empty()) {
        const auto n = ::write(descriptor_, part.data(), part.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return last_error();
        part.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

weir::error_code new_file::keep()
{
    // Some file systems report a full disk only here.
    if (::close(std::exchange(descriptor_, -1)) != 0)
        return last_error();
    const int dir = home_.descriptor_;
    const std::string part = part_of(name_);
    int failed = ::renameat2(dir, part.c_str(), dir, name_.c_str(), RENAME_NOREPLACE);
    if (failed != 0 && (errno == EINVAL || errno == ENOSYS)) {
        // The file system does not support it; a link also fails when the name is taken.
        failed = ::linkat(dir, part.c_str(), dir, name_.c_str(), 0);
        if (failed == 0)
            ::unlinkat(dir, part.c_str(), 0);
    }
    if (failed != 0)
        return last_error();
    kept_ = true;
    return {};
}

directory::directory(const std::string& path)
{
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0)
        throw boost::system::system_error(last_error());
    if (::faccessat(descriptor_, ".", W_OK | X_OK, 0) != 0) {
        const auto error = last_error();
        ::close(descriptor_);
        throw boost::system::system_error(error);
    }
}

directory::~directory()
{
    ::close(descriptor_);
}

bool directory::exists(const std::string& name) const
{
    struct stat ignored;
    return ::fstatat(descriptor_, name.c_str(), &ignored, AT_SYMLINK_NOFOLLOW) == 0;
}

std::unique_ptr<new_file> directory::create(const std::string& name, weir::error_code& error)
{
    if (next_number_.size() >= remembered)
        next_number_.clear();
    unsigned& n = next_number_[name];
    for (;; ++n) {
        const std::string candidate = numbered(name, n);
        const std::string part = part_of(candidate);
        const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        const int descriptor = ::openat(descriptor_, part.c_str(), flags, 0666);
        if (descriptor < 0 && errno == EEXIST)
            continue;
        if (descriptor < 0) {
            error = last_error();
            return nullptr;
        }
        // The part is created first: from here on no other job takes this name.
        auto made = std::make_unique<new_file>(*this, candidate, descriptor);
        if (exists(candidate))
            continue;
        error = {};
        ++n;
        return made;
    }
}

} // namespace weir_fetch
