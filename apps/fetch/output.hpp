#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir_fetch {

/// Standard output, buffered. A pipe or terminal that takes nothing is waited for, so that a slow
/// reader holds results back and not the whole program.
class output {
public:
    output(boost::asio::any_io_executor executor, int descriptor);

    /// Appends; writes when much is held.
    boost::asio::awaitable<void> write(std::string_view text);
    /// Writes all that is held. Throws boost::system::system_error; broken_pipe when the reader has
    /// gone.
    boost::asio::awaitable<void> flush();

private:
    boost::asio::any_io_executor executor_;
    int descriptor_;
    std::optional<boost::asio::posix::stream_descriptor> stream_;
    std::string held_;
};

} // namespace weir_fetch
