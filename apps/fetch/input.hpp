#pragma once

#include "lines.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace weir_fetch {

/// The URLs to fetch, one at a time: first those of the command line, then those of the file. A
/// pipe or terminal is waited for without blocking the program; a regular file is read in small
/// parts as lines are needed.
class input {
public:
    /// `file` is empty for none, or "-" for standard input. Throws boost::system::system_error when
    /// it cannot be opened or read.
    input(boost::asio::any_io_executor executor, std::vector<std::string> urls,
          const std::string& file);
    input(const input&) = delete;
    input& operator=(const input&) = delete;
    ~input();

    /// The next URL; nothing at the end. Throws boost::system::system_error when reading fails, and
    /// operation_aborted when cancelled.
    boost::asio::awaitable<std::optional<std::string>> next();

    /// The next URL of the command line; nothing when all have been taken.
    std::optional<std::string> next_argument();

private:
    boost::asio::awaitable<std::size_t> read_some();

    std::vector<std::string> urls_;
    std::size_t taken_ = 0;
    int regular_ = -1; // a regular file, which epoll would refuse
    std::optional<boost::asio::posix::stream_descriptor> stream_;
    line_cutter lines_;
    std::vector<char> buffer_;
    bool open_ = false;
};

} // namespace weir_fetch
