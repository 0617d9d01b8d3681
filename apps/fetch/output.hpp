#pragma once

#include "unwritten.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// A standard stream, or a pipe, buffered. While it takes nothing, writes wait for it, so that a
/// slow reader holds up the results and not the whole program.
class output {
public:
    output(boost::asio::any_io_executor executor, int descriptor);

    /// Appends a line, and flushes when the buffer is large. `entry` is what `take_unwritten` gives
    /// when the line is lost; null for nothing.
    boost::asio::awaitable<void> write(std::string_view line, const std::string* entry);
    /// Writes the whole buffer. Throws boost::system::system_error; broken_pipe when the reader has
    /// gone. After an error nothing more is written.
    boost::asio::awaitable<void> flush();

    /// Waits for the reader no longer, now and from now on: what it does not take at once fails,
    /// with timed_out.
    void stop_waiting();
    /// Bytes that the reader has taken.
    std::uint64_t taken() const noexcept { return taken_; }

    /// The entries of the lines that were not written whole.
    std::vector<std::string> take_unwritten() { return unwritten_.take(); }

private:
    boost::asio::awaitable<boost::system::error_code> put(std::string_view all, std::size_t& done);

    int descriptor_;
    std::optional<boost::asio::posix::stream_descriptor> stream_;
    std::string held_;
    unwritten unwritten_;
    std::uint64_t taken_ = 0;
    bool waits_ = true;
    bool broken_ = false;
};

} // namespace weir_fetch
