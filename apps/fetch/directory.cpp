#include "directory.hpp"

#include "file_name.hpp"

#include <fcntl.h>
#include <stdio.h> // renameat2
#include <sys/file.h>
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

new_file::new_file(directory& home, std::string name, std::string part, int descriptor)
    : home_(home), name_(std::move(name)), part_(std::move(part)), descriptor_(descriptor)
{
}

/// The part is removed before its lock goes, or it could be that of another by then.
new_file::~new_file()
{
    if (!kept_) {
        ::unlinkat(home_.descriptor_, part_.c_str(), 0);
        home_.next_number_.erase(name_); // another attempt may have it
    }
    ::close(descriptor_);
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
    struct stat own;
    if (::fstat(descriptor_, &own) != 0)
        return last_error();
    // Some file systems report a full disk only when a file is closed. The lock must stay.
    const int copy = ::dup(descriptor_);
    if (copy < 0 || ::close(copy) != 0)
        return last_error();
    if (home_.syncs_ && ::fdatasync(descriptor_) != 0)
        return last_error();
    while (!kept_) {
        if (home_.before_keep_)
            if (const auto error = home_.before_keep_(name_, own.st_ino))
                return error;
        auto error = rename();
        kept_ = !error;
        if (error == boost::system::errc::file_exists && !replaces_)
            error = take_place_of(asked_); // another program has made it meanwhile
        if (error)
            return error;
    }
    if (home_.syncs_ && ::fsync(home_.descriptor_) != 0)
        return last_error();
    return {};
}

weir::error_code new_file::take_name(const std::string& name)
{
    return name == name_ ? weir::error_code() : take_place_of(name);
}

/// The part of this file takes the place of the one that holds the other name.
weir::error_code new_file::take_place_of(const std::string& name)
{
    weir::error_code error;
    const auto place = home_.create(name, error);
    if (error)
        return error;
    const int dir = home_.descriptor_;
    if (::renameat(dir, part_.c_str(), dir, place->part_.c_str()) != 0)
        return last_error();
    place->kept_ = true; // what it would remove is this file now
    home_.next_number_.erase(name_);
    name_ = place->name_;
    asked_ = name;
    part_ = place->part_;
    replaces_ = place->replaces_;
    return {};
}

weir::error_code new_file::set_time(std::chrono::sys_seconds time)
{
    const timespec times[2] = {
        {.tv_sec = 0, .tv_nsec = UTIME_OMIT},
        {.tv_sec = static_cast<time_t>(time.time_since_epoch().count()), .tv_nsec = 0}};
    return ::futimens(descriptor_, times) == 0 ? weir::error_code() : last_error();
}

/// What is not for everybody to read is that no more when it has been replaced, nor while it is.
void new_file::take_rights() const
{
    struct stat there;
    if (::fstatat(home_.descriptor_, name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(there.st_mode))
        return;
    // Somebody else's file: its group may read it as before, if we may say so.
    const bool is_given = ::fchown(descriptor_, there.st_uid, there.st_gid) == 0 ||
                          ::fchown(descriptor_, static_cast<uid_t>(-1), there.st_gid) == 0;
    const mode_t all = is_given ? 07777 : 0707;
    [[maybe_unused]] const int done = ::fchmod(descriptor_, there.st_mode & all);
}

weir::error_code new_file::rename()
{
    const int dir = home_.descriptor_;
    const unsigned flags = replaces_ ? 0 : RENAME_NOREPLACE;
    int failed = ::renameat2(dir, part_.c_str(), dir, name_.c_str(), flags);
    if (failed != 0 && !replaces_ && (errno == EINVAL || errno == ENOSYS)) {
        // The file system does not support it; a link also fails when the name is taken.
        failed = ::linkat(dir, part_.c_str(), dir, name_.c_str(), 0);
        if (failed == 0)
            ::unlinkat(dir, part_.c_str(), 0);
    }
    return failed == 0 ? weir::error_code() : last_error();
}

directory::directory(const std::string& path, if_missing what)
{
    std::error_code failed;
    if (what == if_missing::create)
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

/// Whether there is a file of this name that must stay.
bool directory::is_taken(const std::string& name, bool& replaces) const
{
    struct stat what;
    if (::fstatat(descriptor_, name.c_str(), &what, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    const auto found = replaceable_.find(name);
    replaces = S_ISREG(what.st_mode) && found != replaceable_.end() && found->second == what.st_ino;
    return !replaces;
}

/// Opens and locks a part; -1 without an error when it is another's, or no plain file.
int directory::open_part(const std::string& part, weir::error_code& error) const
{
    const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    const int descriptor = ::openat(descriptor_, part.c_str(), flags, 0666);
    if (descriptor < 0) {
        const auto why = last_error();
        const bool is_other = errno == ELOOP || errno == EISDIR || errno == ENXIO ||
                              (errno == EACCES && exists(part));
        error = is_other ? weir::error_code() : why;
        return -1;
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_plain(descriptor, part) &&
        ::ftruncate(descriptor, 0) == 0)
        return descriptor;
    if (errno != EWOULDBLOCK && errno != 0)
        error = last_error();
    ::close(descriptor);
    return -1;
}

/// Whether an open file is a plain one, and still has this name: it may have been renamed, or
/// removed, before it was locked. `errno` is 0 when it is not.
bool directory::is_plain(int descriptor, const std::string& name) const
{
    struct stat own;
    struct stat there;
    if (::fstat(descriptor, &own) != 0)
        return false;
    const bool is_there = ::fstatat(descriptor_, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
    errno = 0;
    return is_there && S_ISREG(own.st_mode) && own.st_nlink == 1 && there.st_ino == own.st_ino &&
           there.st_dev == own.st_dev;
}

bool directory::exists(const std::string& name) const
{
    struct stat ignored;
    return ::fstatat(descriptor_, name.c_str(), &ignored, AT_SYMLINK_NOFOLLOW) == 0;
}

bool directory::has_from_before(const std::string& name, std::timespec time) const
{
    struct stat what;
    if (::fstatat(descriptor_, name.c_str(), &what, AT_SYMLINK_NOFOLLOW) != 0 ||
        S_ISDIR(what.st_mode))
        return false;
    const auto& changed = what.st_ctim;
    return changed.tv_sec != time.tv_sec ? changed.tv_sec < time.tv_sec
                                         : changed.tv_nsec < time.tv_nsec;
}

std::unique_ptr<new_file> directory::create(const std::string& name, weir::error_code& error)
{
    error = {};
    if (next_number_.size() >= remembered)
        next_number_.clear();
    const auto next = next_number_.find(name);
    for (unsigned n = next == next_number_.end() ? 0 : next->second;; ++n) {
        const std::string candidate = numbered(name, n);
        const int descriptor = open_part(part_of(candidate), error);
        if (error)
            return nullptr;
        if (descriptor < 0)
            continue;
        // The part is locked first: from here on no other job takes this name.
        auto made = std::make_unique<new_file>(*this, candidate, part_of(candidate), descriptor);
        if (is_taken(candidate, made->replaces_))
            continue;
        next_number_[name] = n + 1;
        made->asked_ = name;
        return made;
    }
}

std::unique_ptr<new_file> directory::create_replacing(const std::string& name,
                                                      weir::error_code& error)
{
    error = {};
    for (unsigned n = 0;; ++n) {
        // Another program may be writing the same file: whoever ends last has it.
        const std::string part = part_of(numbered(name, n));
        const int descriptor = open_part(part, error);
        if (error)
            return nullptr;
        if (descriptor < 0)
            continue;
        auto made = std::make_unique<new_file>(*this, name, part, descriptor);
        made->replaces_ = true;
        made->take_rights();
        return made;
    }
}

} // namespace weir_fetch
