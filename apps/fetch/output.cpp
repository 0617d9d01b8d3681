#include "output.hpp"

#include "descriptors.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weir_fetch {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using boost::system::system_error;

constexpr std::size_t enough = 32 * 1024;

} // namespace

output::output(asio::any_io_executor executor, int descriptor) : descriptor_(descriptor)
{
    if (!is_waitable(descriptor))
        return;
    const int own = reopened(descriptor, O_WRONLY);
    if (own >= 0)
        stream_.emplace(std::move(executor), own);
}

asio::awaitable<void> output::write(std::string_view line, const std::string* entry)
{
    if (!broken_)
        held_ += line;
    const bool is_written = held_.empty() && !broken_;
    if (entry != nullptr && !is_written)
        unwritten_.add(held_.size(), *entry);
    if (held_.size() >= enough)
        co_await flush();
}

asio::awaitable<void> output::flush()
{
    if (broken_ || held_.empty())
        co_return;
    const std::string all = std::exchange(held_, std::string());
    std::size_t done = 0;
    const error_code error = co_await put(all, done);
    unwritten_.written(done);
    broken_ = error.failed();
    if (broken_)
        throw system_error(error);
}

void output::stop_waiting()
{
    waits_ = false;
    if (stream_)
        stream_->cancel();
}

/// Writes all, or `done` bytes of it.
asio::awaitable<error_code> output::put(std::string_view all, std::size_t& done)
{
    const int descriptor = stream_ ? stream_->native_handle() : descriptor_;
    error_code error;
    while (!error && done != all.size()) {
        const auto n = ::write(descriptor, all.data() + done, all.size() - done);
        if (n >= 0) {
            done += static_cast<std::size_t>(n);
            taken_ += static_cast<std::uint64_t>(n);
        } else if (errno == EAGAIN && stream_ && waits_) {
            co_await stream_->async_wait(asio::posix::descriptor_base::wait_write,
                                         asio::redirect_error(asio::use_awaitable, error));
            if (!waits_)
                error = {}; // what can be written at once is
        } else if (errno != EINTR) {
            error = errno == EAGAIN ? error_code(asio::error::timed_out)
                                    : error_code(errno, boost::system::system_category());
        }
    }
    co_return error;
}

} // namespace weir_fetch
