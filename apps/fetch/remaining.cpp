#include "remaining.hpp"

#include "escape.hpp"

#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <stdio.h> // rename
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <system_error>

namespace weir_fetch {
namespace {

constexpr std::size_t enough = 64 * 1024;

weir::error_code last_error()
{
    return weir::error_code(errno, boost::system::system_category());
}

/// Where a link leads; what is there must be a file, which is replaced.
std::string replaced_by(const std::string& path)
{
    std::error_code failed;
    const auto real = std::filesystem::canonical(path, failed);
    if (failed)
        return path;
    if (!std::filesystem::is_regular_file(real, failed))
        throw boost::system::system_error(
            boost::system::errc::make_error_code(boost::system::errc::invalid_argument));
    return real.string();
}

/// Whether it is read again as what it is. An argument may be a comment, or several lines.
bool is_line(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    return first != std::string_view::npos && text[first] != '#' &&
           !text.starts_with("\xEF\xBB\xBF") &&
           text.find_first_of("\r\n") == std::string_view::npos;
}

/// Whether an open file still has this name: another run may have renamed, or removed, what it was
/// opened as.
bool has_name(int descriptor, const std::string& name)
{
    struct stat own;
    struct stat there;
    return ::fstat(descriptor, &own) == 0 && ::lstat(name.c_str(), &there) == 0 &&
           own.st_ino == there.st_ino && own.st_dev == there.st_dev;
}

/// Opens and locks a file, and empties it. Throws boost::system::system_error.
int open_empty(const std::string& name, const std::function<void()>& opened)
{
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    for (;;) {
        const int descriptor = ::open(name.c_str(), flags, 0666);
        if (descriptor < 0)
            throw boost::system::system_error(last_error());
        if (opened)
            opened();
        const bool is_locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
        const bool is_it = is_locked && has_name(descriptor, name);
        if (is_it && ::ftruncate(descriptor, 0) == 0)
            return descriptor;
        const auto error = last_error();
        ::close(descriptor);
        if (is_it || !is_locked)
            throw boost::system::system_error(error);
    }
}

} // namespace

remaining::remaining(const std::string& path, const std::function<void()>& opened)
    : path_(replaced_by(path)), part_(path_ + ".part"), descriptor_(open_empty(part_, opened))
{
}

remaining::~remaining()
{
    if (!kept_)
        ::unlink(part_.c_str());
    ::close(descriptor_);
}

void remaining::add_line(std::string_view text)
{
    if (!at_line_start_)
        add_bytes("\n");
    std::string line(text);
    if (!is_line(text)) {
        line = "{\"url\":";
        append_json(line, text);
        line += '}';
    }
    add_bytes(line += '\n');
}

void remaining::add_bytes(std::string_view bytes)
{
    if (bytes.empty())
        return;
    held_ += bytes;
    at_line_start_ = bytes.back() == '\n';
    if (held_.size() >= enough)
        flush();
}

void remaining::flush()
{
    for (std::string_view rest = held_; !rest.empty() && !error_;) {
        const auto n = ::write(descriptor_, rest.data(), rest.size());
        if (n >= 0)
            rest.remove_prefix(static_cast<std::size_t>(n));
        else if (errno != EINTR)
            error_ = last_error();
    }
    held_.clear();
}

weir::error_code remaining::keep()
{
    if (!at_line_start_)
        add_bytes("\n");
    flush();
    if (!error_ && ::fdatasync(descriptor_) != 0)
        error_ = last_error();
    if (!error_ && ::rename(part_.c_str(), path_.c_str()) != 0)
        error_ = last_error();
    kept_ = !error_;
    return error_;
}

} // namespace weir_fetch
