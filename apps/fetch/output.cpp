#include "output.hpp"

#include "descriptors.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
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

asio::awaitable<void> output::write(std::string_view text)
{
    held_ += text;
    if (held_.size() >= enough)
        co_await flush();
}

asio::awaitable<void> output::flush()
{
    const std::string out = std::exchange(held_, std::string());
    if (out.empty())
        co_return;
    if (stream_) {
        error_code error;
        co_await asio::async_write(*stream_, asio::buffer(out),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error)
            throw system_error(error);
        co_return;
    }
    for (std::string_view rest = out; !rest.empty();) {
        const auto n = ::write(descriptor_, rest.data(), rest.size());
        if (n >= 0)
            rest.remove_prefix(static_cast<std::size_t>(n));
        else if (errno != EINTR)
            throw system_error(error_code(errno, boost::system::system_category()));
    }
}

} // namespace weir_fetch
