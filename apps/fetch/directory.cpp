#include "directory.hpp"

#include "file_name.hpp"

#include <fcntl.h>
#include <stdio.h> // renameat2
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

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

constexpr unsigned state_fields = STATX_TYPE | STATX_INO | STATX_BTIME | STATX_SIZE | STATX_MTIME;

std::int64_t nanoseconds(const statx_timestamp& time)
{
    return time.tv_sec * std::int64_t{1'000'000'000} + static_cast<std::int64_t>(time.tv_nsec);
}

file_state state_in(const struct statx& what)
{
    file_state out;
    out.file.inode = what.stx_ino;
    out.file.born = (what.stx_mask & STATX_BTIME) == 0 ? 0 : nanoseconds(what.stx_btime);
    out.size = what.stx_size;
    out.changed = nanoseconds(what.stx_mtime);
    return out;
}

file_identity identity_of(int descriptor)
{
    struct statx what;
    if (::statx(descriptor, "", AT_EMPTY_PATH, state_fields, &what) != 0 ||
        (what.stx_mask & STATX_BTIME) == 0)
        return {};
    return state_in(what).file;
}

} // namespace

weir::error_code set_file_time(int descriptor, std::chrono::sys_seconds time)
{
    const timespec times[2] = {
        {.tv_sec = 0, .tv_nsec = UTIME_OMIT},
        {.tv_sec = static_cast<time_t>(time.time_since_epoch().count()), .tv_nsec = 0}};
    return ::futimens(descriptor, times) == 0 ? weir::error_code() : last_error();
}

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

void new_file::leave()
{
    kept_ = true;
    home_.next_number_.erase(name_); // another attempt may have it
}

weir::error_code new_file::cut(std::uint64_t size)
{
    const auto at = static_cast<off_t>(size);
    return ::ftruncate(descriptor_, at) == 0 && ::lseek(descriptor_, at, SEEK_SET) == at
               ? weir::error_code()
               : last_error();
}

weir::error_code new_file::read(std::uint64_t size,
                                const std::function<void(std::string_view part)>& to) const
{
    std::vector<char> block(256 * 1024);
    for (std::uint64_t at = 0; at != size;) {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size - at));
        const auto n = ::pread(descriptor_, block.data(), wanted, static_cast<off_t>(at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? last_error() : weir::error_code(EIO, boost::system::system_category());
        to(std::string_view(block.data(), static_cast<std::size_t>(n)));
        at += static_cast<std::uint64_t>(n);
    }
    return {};
}

std::uint64_t new_file::size() const
{
    struct stat own;
    return ::fstat(descriptor_, &own) == 0 ? static_cast<std::uint64_t>(own.st_size) : 0;
}

file_identity new_file::identity() const
{
    return identity_of(descriptor_);
}

weir::error_code new_file::keep()
{
    // Some file systems report a full disk only when a file is closed. The lock must stay.
    const int copy = ::dup(descriptor_);
    if (copy < 0 || ::close(copy) != 0)
        return last_error();
    if (home_.syncs_ && ::fdatasync(descriptor_) != 0)
        return last_error();
    struct statx own;
    if (::statx(descriptor_, "", AT_EMPTY_PATH, state_fields, &own) != 0)
        return last_error();
    while (!kept_) {
        if (home_.before_keep_)
            if (const auto error = home_.before_keep_(name_, state_in(own)))
                return error;
        auto error = rename();
        kept_ = !error;
        if (error == boost::system::errc::file_exists && !replaces_)
            error = take_place_of(asked_); // another program has made it meanwhile
        if (error)
            return error;
    }
    if (home_.syncs_ && !home_.sync_folders(name_))
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
    return set_file_time(descriptor_, time);
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
    if (descriptor_ < 0 && failed) // why it is not there says more than that
        throw boost::system::system_error(
            weir::error_code(failed.value(), boost::system::system_category()));
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

/// Whether the file of this name is one that may be replaced, and as it was then.
bool directory::may_replace(const std::string& name) const
{
    const auto found = replaceable_.find(name);
    struct statx what;
    return found != replaceable_.end() &&
           ::statx(descriptor_, name.c_str(), AT_SYMLINK_NOFOLLOW, state_fields, &what) == 0 &&
           S_ISREG(what.stx_mode) &&
           std::find(found->second.begin(), found->second.end(), state_in(what)) !=
               found->second.end();
}

/// Whether there is a file of this name that must stay.
bool directory::is_taken(const std::string& name, bool& replaces) const
{
    if (!exists(name))
        return false;
    replaces = may_replace(name);
    return !replaces;
}

/// Makes and locks a part; -1 without an error when the name is another's, or no plain file's. What
/// a killed program left is removed: a file that was begun under an earlier name is never written
/// over, so that who knows it by its identity knows what is in it.
int directory::open_part(const std::string& part, weir::error_code& error) const
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int descriptor = ::openat(descriptor_, part.c_str(), flags, 0666);
    if (descriptor < 0 && errno == ENOENT && make_folders(part))
        descriptor = ::openat(descriptor_, part.c_str(), flags, 0666);
    if (descriptor < 0 && errno == EEXIST && clear_part(part))
        descriptor = ::openat(descriptor_, part.c_str(), flags, 0666);
    if (descriptor < 0) {
        if (errno != EEXIST)
            error = last_error();
        return -1;
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_plain(descriptor, part))
        return descriptor;
    if (errno != EWOULDBLOCK && errno != 0)
        error = last_error();
    ::close(descriptor);
    return -1;
}

/// Makes the folders in a name. False when there are none, or one cannot be made: `errno` says why.
bool directory::make_folders(const std::string& name) const
{
    auto slash = name.find('/');
    if (slash == std::string::npos)
        return false;
    for (; slash != std::string::npos; slash = name.find('/', slash + 1))
        if (::mkdirat(descriptor_, name.substr(0, slash).c_str(), 0777) != 0 && errno != EEXIST)
            return false;
    return true;
}

/// Makes the name of a file survive a loss of power, and those of its folders.
bool directory::sync_folders(const std::string& name) const
{
    for (auto slash = name.rfind('/'); slash != std::string::npos && slash != 0;
         slash = name.rfind('/', slash - 1)) {
        const int folder = ::openat(descriptor_, name.substr(0, slash).c_str(),
                                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool is_synced = folder >= 0 && ::fsync(folder) == 0;
        const int why = errno;
        if (folder >= 0)
            ::close(folder);
        errno = why;
        if (!is_synced)
            return false;
    }
    return ::fsync(descriptor_) == 0;
}

/// Removes a part that nobody writes. False when it stays.
bool directory::clear_part(const std::string& part) const
{
    const int left = open_left(part);
    const bool gone = left >= 0 && ::unlinkat(descriptor_, part.c_str(), 0) == 0;
    if (left >= 0)
        ::close(left);
    errno = EEXIST;
    return gone;
}

/// Opens and locks a part that is there; -1 when it is another's, or no plain file.
int directory::open_left(const std::string& part) const
{
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    const int descriptor = ::openat(descriptor_, part.c_str(), flags);
    if (descriptor < 0)
        return -1;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_plain(descriptor, part))
        return descriptor;
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

std::unique_ptr<new_file> directory::resume(const std::string& part, const file_identity& which,
                                            const std::string& name, naming how)
{
    const int descriptor = which.born == 0 ? -1 : open_left(part);
    if (descriptor < 0)
        return nullptr;
    if (identity_of(descriptor) != which) {
        ::close(descriptor);
        return nullptr;
    }
    const bool replaces = how == naming::replacing;
    const std::string own = part.substr(0, part.size() - part_of("").size());
    auto found = std::make_unique<new_file>(*this, replaces ? name : own, part, descriptor);
    found->asked_ = name;
    found->replaces_ = replaces;
    if (!replaces && is_taken(own, found->replaces_))
        found->replaces_ = false; // `keep` finds another name
    return found;
}

void directory::remove(const std::string& part, const file_identity& which)
{
    resume(part, which, part, naming::free).reset();
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
