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

/// The URLs to fetch, one at a time: those of the command line, then those of the file. A pipe or
/// terminal is waited for without blocking anybody; a regular file is read in small parts when a
/// line is asked for.
class input {
public:
    /// `file` may be empty (none) or "-" (standard input). Throws boost::system::system_error when
    /// it cannot be opened.
    input(boost::asio::any_io_executor executor, std::vector<std::string> urls,
          const std::string& file);
    input(const input&) = delete;
    input& operator=(const input&) = delete;
    ~input();

    /// Nothing at the end. Throws boost::system::system_error: what reading met, operation_aborted
    /// when cancelled.
    boost::asio::awaitable<std::optional<std::string>> next();

    /// The next URL of the command line. Nothing when all have been taken.
    std::optional<std::string> next_argument();

private:
    boost::asio::awaitable<std::size_t> read_some();

    boost::asio::any_io_executor executor_;
    std::vector<std::string> urls_;
    std::size_t taken_ = 0;
    int regular_ = -1; // a file epoll would refuse
    std::optional<boost::asio::posix::stream_descriptor> stream_;
    line_cutter lines_;
    std::vector<char> buffer_;
    bool open_ = false;
};

} // namespace weir_fetch
