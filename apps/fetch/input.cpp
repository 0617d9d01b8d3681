#include "input.hpp"

#include "descriptors.hpp"
#include "escape.hpp"

#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
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

/// What is left to read of a regular file.
std::uint64_t bytes_ahead(int fd)
{
    struct stat about {};
    const off_t at = std::max(off_t{0}, ::lseek(fd, 0, SEEK_CUR));
    if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size <= at)
        return 0;
    return static_cast<std::uint64_t>(about.st_size - at);
}

place place_of(const input_line& line)
{
    return {place::source::line, line.number};
}

} // namespace

input::input(asio::any_io_executor executor, std::vector<std::string> urls, const std::string& file)
    : urls_(std::move(urls)), executor_(std::move(executor))
{
    if (file.empty())
        return;
    const int fd = open_file(file);
    check_readable(fd);
    buffer_.resize(part_size);
    open_ = true;
    if (!is_waitable(fd)) {
        regular_ = fd;
        struct stat about {};
        is_device_ = ::fstat(fd, &about) == 0 && !S_ISREG(about.st_mode);
        size_ = bytes_ahead(fd);
        return;
    }
    const int own = reopened(fd, O_RDONLY);
    if (own >= 0)
        ::close(fd);
    stream_.emplace(executor_, own >= 0 ? own : fd);
}

input::~input()
{
    if (regular_ >= 0)
        ::close(regular_);
}

bool input::is_left_out(const place& at, std::string_view text) const
{
    return leave_out_ && leave_out_(at, text);
}

asio::awaitable<std::optional<std::string>> input::next()
{
    if (auto argument = next_argument())
        co_return argument;
    for (;;) {
        while (auto line = lines_.next())
            if (const auto at = place_of(*line); !is_left_out(at, line->text)) {
                ++returned_;
                ++of_lines_;
                co_return tagged(at, line->text, line->is_cut);
            }
        if (!open_)
            co_return std::nullopt;
        const std::size_t n = co_await read_some();
        read_ += n;
        lines_.feed(std::string_view(buffer_.data(), n));
        if (n == 0) {
            open_ = false;
            lines_.finish();
        }
    }
}

std::optional<std::string> input::next_argument()
{
    while (taken_ != urls_.size()) {
        const std::string text = std::exchange(urls_[taken_++], std::string());
        const place at{place::source::argument, taken_};
        if (!is_left_out(at, text)) {
            ++returned_;
            return tagged(at, text, false);
        }
    }
    return std::nullopt;
}

std::optional<extent> input::all() const
{
    extent found{returned_ + (urls_.size() - taken_), taken_ == urls_.size() || !leave_out_};
    if (!open_)
        return found;
    const std::uint64_t looked_at = read_ - std::min<std::uint64_t>(read_, lines_.unread());
    if (size_ == 0 || of_lines_ == 0 || looked_at == 0)
        return std::nullopt;
    const auto lines = estimated_extent(of_lines_, looked_at, std::max(size_, looked_at));
    return extent{found.entries - of_lines_ + lines.entries, false};
}

asio::awaitable<std::string> input::next_unread()
{
    std::string out = without_mark(lines_.take_unread());
    while (out.empty() && open_) {
        const std::size_t n = co_await read_some();
        open_ = n != 0;
        lines_.feed(std::string_view(buffer_.data(), n));
        out = without_mark(lines_.take_unread());
        read_ += n;
    }
    co_return out;
}

/// What is at the begin of a file does not belong where this goes.
std::string input::without_mark(std::string bytes) const
{
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    if (read_ <= buffer_.size() && of_lines_ == 0 && bytes.starts_with(mark))
        bytes.erase(0, mark.size());
    return bytes;
}

bool input::look_ahead(const filter& look) const
{
    if (stream_)
        return false;
    for (std::size_t i = taken_; i != urls_.size(); ++i)
        look({place::source::argument, i + 1}, urls_[i]);
    if (!open_)
        return true;
    off_t at = std::max(off_t{0}, ::lseek(regular_, 0, SEEK_CUR));
    std::vector<char> part(part_size);
    line_cutter lines;
    for (bool more = true; more;) {
        const auto n = ::pread(regular_, part.data(), part.size(), at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw system_error(last_error());
        at += n;
        more = n != 0;
        lines.feed(std::string_view(part.data(), static_cast<std::size_t>(n)));
        if (!more)
            lines.finish();
        while (auto line = lines.next())
            look(place_of(*line), line->text);
    }
    return true;
}

void input::stop_waiting()
{
    waits_ = false;
    if (stream_)
        stream_->cancel();
}

/// A writer that does not end must not keep us for ever: the rest stays with it.
void input::check_patience()
{
    constexpr auto patience = std::chrono::seconds(10);
    const auto now = weir::now(executor_);
    if (!gives_up_at_)
        gives_up_at_ = now + patience;
    if (now >= *gives_up_at_)
        throw system_error(asio::error::operation_aborted);
}

asio::awaitable<std::size_t> input::read_what_comes()
{
    constexpr auto silence = std::chrono::seconds(1);
    check_patience();
    const auto until = std::min(weir::now(executor_) + silence, *gives_up_at_);
    const weir::alarm silent(executor_, until, [this] { stream_->cancel(); });
    error_code error;
    const auto n = co_await stream_->async_read_some(
        asio::buffer(buffer_), asio::redirect_error(asio::use_awaitable, error));
    if (error && error != asio::error::eof)
        throw system_error(error);
    co_return n;
}

std::unique_ptr<input> open_input(const asio::any_io_executor& executor,
                                  const std::vector<std::string>& urls, const std::string& file)
{
    try {
        return std::make_unique<input>(executor, urls, file);
    } catch (const system_error& e) {
        throw std::runtime_error("cannot read " + escaped(file) + ": " + e.code().message());
    }
}

asio::awaitable<std::size_t> input::read_some()
{
    if (stream_) {
        if (!waits_)
            co_return co_await read_what_comes();
        error_code error;
        const auto n = co_await stream_->async_read_some(
            asio::buffer(buffer_), asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted && !waits_)
            co_return co_await read_what_comes();
        if (error && error != asio::error::eof)
            throw system_error(error);
        co_return n;
    }
    if (is_device_ && !waits_)
        check_patience();
    for (;;) {
        const auto n = ::read(regular_, buffer_.data(), buffer_.size());
        if (n >= 0)
            co_return static_cast<std::size_t>(n);
        if (errno != EINTR)
            throw system_error(last_error());
    }
}

} // namespace weir_fetch
