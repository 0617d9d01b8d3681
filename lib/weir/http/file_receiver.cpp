#include <weir/http/file_receiver.hpp>

#include <weir/http/detail/status_name.hpp>
#include <weir/http/error.hpp>

#include <fcntl.h>
#include <stdio.h> // rename
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace weir::http {
namespace {

namespace asio = boost::asio;

bool has_content(unsigned status)
{
    return status >= 200 && status < 300;
}

failure not_a_file(unsigned status)
{
    std::string text = "not stored: the server answered " + std::to_string(status);
    if (const auto name = detail::status_name(status); !name.empty())
        text.append(" ").append(name);
    return failure(error_class::http, std::move(text));
}

} // namespace

file_receiver::file_receiver(std::string path) : path_(std::move(path)), part_(path_ + ".part")
{
    if (path_.empty())
        throw std::invalid_argument("weir::http::file_receiver: the name of the file is empty");
}

file_receiver::~file_receiver()
{
    drop();
}

asio::awaitable<error_code> file_receiver::begin(std::uint64_t offset, const response& head)
{
    if (!has_content(head.status))
        throw failed(not_a_file(head.status));
    if (offset == 0)
        open();
    else if (file_ < 0 || ::lseek(file_, 0, SEEK_CUR) != static_cast<off_t>(offset))
        cannot_write(EINVAL);
    co_return error_code();
}

asio::awaitable<error_code> file_receiver::write(std::string_view part)
{
    while (!part.empty()) {
        const auto n = ::write(file_, part.data(), part.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            cannot_write(errno);
        part.remove_prefix(static_cast<std::size_t>(n));
    }
    co_return error_code();
}

/// Some file systems report a full disk only when a file is closed.
asio::awaitable<error_code> file_receiver::end()
{
    const int closed = ::close(std::exchange(file_, -1));
    const int why = closed == 0 && ::rename(part_.c_str(), path_.c_str()) == 0 ? 0 : errno;
    if (why != 0) {
        ::unlink(part_.c_str());
        cannot_write(why);
    }
    co_return error_code();
}

void file_receiver::cannot_write(int number) const
{
    const error_code why(number, boost::system::system_category());
    throw failed(failure(error_class::io, "cannot write to " + path_ + ": " + why.message(), why));
}

/// The part may be that of a program that was killed, or of an earlier request.
void file_receiver::open()
{
    drop();
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    file_ = ::open(part_.c_str(), flags, 0666);
    if (file_ < 0)
        cannot_write(errno);
}

void file_receiver::drop() noexcept
{
    if (file_ < 0)
        return;
    ::close(std::exchange(file_, -1));
    ::unlink(part_.c_str());
}

} // namespace weir::http
