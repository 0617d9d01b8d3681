#include "appended_file.hpp"

#include "directory.hpp"
#include "escape.hpp"

#include <weir/http/continuation.hpp>
#include <weir/http/validators.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>

namespace weir_fetch {
namespace {

namespace http = weir::http;

weir::error_code last_error()
{
    return weir::error_code(errno, boost::system::system_category());
}

} // namespace

appended_file::appended_file(std::string path, std::optional<std::uint64_t> from, bool hashed)
    : path_(std::move(path)), from_(from), hashed_(hashed), next_(from.value_or(0))
{
}

appended_file::~appended_file()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

void appended_file::open()
{
    if (is_open_)
        return;
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_APPEND;
    descriptor_ = ::open(path_.c_str(), flags);
    if (descriptor_ < 0 && errno != ENOENT)
        throw std::runtime_error("cannot go on with " + escaped(path_) + ": " +
                                 last_error().message());
    if (descriptor_ < 0) {
        if (from_.value_or(0) != 0)
            throw not_there("it is not there");
        is_open_ = true;
        return;
    }
    is_open_ = true;
    struct stat what;
    if (::fstat(descriptor_, &what) != 0 || !S_ISREG(what.st_mode))
        throw std::runtime_error("cannot go on with " + escaped(path_) + ": it is no regular file");
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0)
        throw std::runtime_error("cannot go on with " + escaped(path_) +
                                 ": another program is writing it");
    size_ = static_cast<std::uint64_t>(what.st_size);
    if (from_ && size_ != *from_)
        throw not_there("it ends at " + std::to_string(size_));
    next_ = size_;
}

/// The beginning that the rest is to follow.
std::runtime_error appended_file::not_there(const std::string& why) const
{
    return std::runtime_error("cannot go on with " + escaped(path_) + " at " +
                              std::to_string(*from_) + ": " + why +
                              (size_ == 0 ? "; -C - fetches all of it" : "; -C - goes on there"));
}

void appended_file::ask(http::request& what) const
{
    if (next_ == 0)
        return;
    what.header("Range", "bytes=" + std::to_string(next_) + "-");
    if (!seen_.empty())
        what.header("If-Range", seen_);
}

http::failure appended_file::refused(const std::string& why) const
{
    return http::failure(http::error_class::io, "cannot go on with " + escaped(path_) + ": " + why);
}

std::optional<http::failure> appended_file::judge(const http::response& head)
{
    constexpr unsigned partial = 206;
    constexpr unsigned not_satisfiable = 416;
    constexpr unsigned ok = 200;
    const auto part = http::parse_content_range(head.fields["Content-Range"]);
    const std::string at = std::to_string(next_);
    takes_ = false;
    if (next_ != 0 && head.status == not_satisfiable) {
        was_complete_ = part && !part->first && part->length == next_;
        if (was_complete_)
            return std::nullopt;
        return refused("there is nothing at " + at + ", and the server has " +
                       (part && part->length ? std::to_string(*part->length) + " bytes"
                                             : std::string("not said how long it is")));
    }
    if (head.status != ok && head.status != partial)
        return std::nullopt; // the result says why
    if (!head.fields["Content-Encoding"].empty())
        return refused("the answer has a content coding, of which there can be no rest");
    if (next_ != 0 && head.status == ok)
        return refused("the server sends all of it, not what follows " + at +
                       ": it knows no ranges, or has another version by now; nothing was "
                       "written, without --continue-at it is fetched anew");
    if (head.status == partial && (!part || part->first != next_))
        return refused("the server sends another part than what follows " + at);
    if (head.status == partial && part->last && part->length && *part->last + 1 != *part->length)
        return refused("the server sends only the bytes to " + std::to_string(*part->last) +
                       " of " + std::to_string(*part->length));
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    seen_ = http::validators(head.fields, now).strong();
    takes_ = true;
    if (const auto error = hash_beginning())
        return refused(error.message());
    return std::nullopt;
}

weir::error_code appended_file::hash_beginning()
{
    if (!hashed_ || hash_)
        return {};
    hash_ = std::make_unique<sha256>();
    std::array<char, 64 * 1024> block;
    for (std::uint64_t at = 0; at < size_;) {
        const auto n = ::pread(descriptor_, block.data(), block.size(), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? last_error() : weir::error_code(EIO, boost::system::system_category());
        hash_->add(std::string_view(block.data(), static_cast<std::size_t>(n)));
        at += static_cast<std::uint64_t>(n);
    }
    return {};
}

weir::error_code appended_file::create()
{
    if (descriptor_ >= 0)
        return {};
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND;
    const int made = ::open(path_.c_str(), flags, 0666);
    if (made < 0)
        return last_error();
    if (::flock(made, LOCK_EX | LOCK_NB) != 0) {
        const auto error = last_error();
        ::close(made);
        return error;
    }
    descriptor_ = made;
    return {};
}

weir::error_code appended_file::append(std::string_view part)
{
    if (!takes_)
        return {};
    if (const auto error = create())
        return error;
    while (!part.empty()) {
        const auto n = ::write(descriptor_, part.data(), part.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return last_error();
        const auto written = static_cast<std::size_t>(n);
        if (hash_)
            hash_->add(part.substr(0, written));
        part.remove_prefix(written);
        next_ += written;
    }
    return {};
}

weir::error_code appended_file::keep(bool sync, std::optional<std::chrono::sys_seconds> time)
{
    auto error = was_complete_ ? weir::error_code() : create();
    if (!error && time)
        error = set_file_time(descriptor_, *time);
    if (!error && was_complete_)
        error = hash_beginning();
    if (!error && sync && ::fsync(descriptor_) != 0)
        error = last_error();
    return error;
}

std::string appended_file::sha256_hex()
{
    const auto hash = std::exchange(hash_, nullptr);
    return hash ? hash->hex() : std::string();
}

void appended_body::ask(http::request& what)
{
    to_->open();
    from_ = to_->next();
    to_->ask(what);
}

std::optional<http::failure> appended_body::begin(const http::request&, const http::response& head)
{
    return to_->judge(head);
}

} // namespace weir_fetch
