#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir_fetch {

/// Buffered standard output. While a pipe or terminal takes nothing, writes wait for it, so that a
/// slow reader holds up the results and not the whole program.
class output {
public:
    output(boost::asio::any_io_executor executor, int descriptor);

    /// Appends a text, and flushes when the buffer is large.
    boost::asio::awaitable<void> write(std::string_view text);
    /// Writes the whole buffer. Throws boost::system::system_error; broken_pipe when the reader has
    /// gone.
    boost::asio::awaitable<void> flush();

private:
    int descriptor_;
    std::optional<boost::asio::posix::stream_descriptor> stream_;
    std::string held_;
};

} // namespace weir_fetch
