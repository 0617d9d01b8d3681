#include "input.hpp"

#include "descriptors.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace weir_fetch {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using boost::system::system_error;

constexpr std::size_t part_size = 64 * 1024;

error_code last_error()
{
    return error_code(errno, boost::system::system_category());
}

int open_file(const std::string& file)
{
    const int fd = file == "-" ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        throw system_error(last_error());
    return fd;
}

/// Throws when `fd` cannot be read: opening a folder succeeds, and only its first read fails.
void check_readable(int fd)
{
    if (::read(fd, nullptr, 0) == 0)
        return;
    const error_code error = last_error();
    ::close(fd);
    throw system_error(error);
}

} // namespace

input::input(asio::any_io_executor executor, std::vector<std::string> urls, const std::string& file)
    : urls_(std::move(urls))
{
    if (file.empty())
        return;
    const int fd = open_file(file);
    check_readable(fd);
    buffer_.resize(part_size);
    open_ = true;
    if (!is_waitable(fd)) {
        regular_ = fd;
        return;
    }
    const int own = reopened(fd, O_RDONLY);
    if (own >= 0)
        ::close(fd);
    stream_.emplace(std::move(executor), own >= 0 ? own : fd);
}

input::~input()
{
    if (regular_ >= 0)
        ::close(regular_);
}

asio::awaitable<std::optional<std::string>> input::next()
{
    if (auto argument = next_argument())
        co_return argument;
    for (;;) {
        auto line = lines_.next();
        if (line || !open_)
            co_return line;
        const std::size_t n = co_await read_some();
        lines_.feed(std::string_view(buffer_.data(), n));
        if (n == 0) {
            open_ = false;
            lines_.finish();
        }
    }
}

std::optional<std::string> input::next_argument()
{
    if (taken_ == urls_.size())
        return std::nullopt;
    return std::exchange(urls_[taken_++], std::string());
}

asio::awaitable<std::size_t> input::read_some()
{
    if (stream_) {
        error_code error;
        const auto n = co_await stream_->async_read_some(
            asio::buffer(buffer_), asio::redirect_error(asio::use_awaitable, error));
        if (error && error != asio::error::eof)
            throw system_error(error);
        co_return n;
    }
    for (;;) {
        const auto n = ::read(regular_, buffer_.data(), buffer_.size());
        if (n >= 0)
            co_return static_cast<std::size_t>(n);
        if (errno != EINTR)
            throw system_error(last_error());
    }
}

} // namespace weir_fetch
