#pragma once

#include "entry.hpp"
#include "extent.hpp"
#include "lines.hpp"

#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// What is to be fetched, one entry at a time: first the arguments of the command line, then the
/// lines of the file. A pipe or terminal is waited for without blocking the program; a regular file
/// is read in small parts as lines are needed.
class input {
public:
    /// Whether an entry is to be left out.
    using filter = std::function<bool(const place& at, std::string_view text)>;

    /// `file` is empty for none, or "-" for standard input. Throws boost::system::system_error when
    /// it cannot be opened or read.
    input(boost::asio::any_io_executor executor, std::vector<std::string> urls,
          const std::string& file);
    input(const input&) = delete;
    input& operator=(const input&) = delete;
    ~input();

    /// Entries for which this is true are left out from now on. What it throws leaves by `next`.
    void leave_out(filter which) { leave_out_ = std::move(which); }

    /// Passes all that is to come to `look`, and takes nothing of it. Does nothing and returns
    /// false when that cannot be: a pipe is read only once. Throws as `next` does.
    bool look_ahead(const filter& look) const;

    /// The next entry, `tagged`; nothing at the end. Throws boost::system::system_error when
    /// reading fails, operation_aborted when cancelled, and `input_fault` for what is no list of
    /// URLs.
    boost::asio::awaitable<std::optional<std::string>> next();

    /// How many entries `next` returns in all, by what was read so far: of a regular file that is
    /// an estimate until its end. Nothing while it cannot be told.
    std::optional<extent> all() const;

    /// The next argument, `tagged`; nothing when all have been taken.
    std::optional<std::string> next_argument();
    /// The next part of the file, as it is but for a mark of its encoding, from the line after the
    /// last one that `next` returned; empty at the end. Throws as `next` does.
    boost::asio::awaitable<std::string> next_unread();

    /// Whether what comes next is not there yet, maybe: of a pipe that is open.
    bool may_have_to_wait() const noexcept { return open_ && stream_ && waits_; }

    /// A pipe is read on only while something comes: when it was silent for a second, and after ten
    /// seconds in any case, reading ends with operation_aborted. So it does for a device without an
    /// end.
    void stop_waiting();

private:
    boost::asio::awaitable<std::size_t> read_some();
    boost::asio::awaitable<std::size_t> read_what_comes();
    void check_patience();
    std::string without_mark(std::string bytes) const;
    bool is_left_out(const place& at, std::string_view text) const;

    std::vector<std::string> urls_;
    std::size_t taken_ = 0;
    boost::asio::any_io_executor executor_;
    int regular_ = -1; // a file or a device that an event loop cannot wait for
    bool is_device_ = false;
    std::optional<boost::asio::posix::stream_descriptor> stream_;
    line_cutter lines_;
    std::vector<char> buffer_;
    filter leave_out_;
    bool open_ = false;
    bool waits_ = true;
    std::optional<weir::time_point> gives_up_at_; // since nothing is waited for
    std::uint64_t returned_ = 0;
    std::uint64_t of_lines_ = 0; // of those
    std::uint64_t read_ = 0;     // bytes of the file
    std::uint64_t size_ = 0;     // of a regular file, from where it was opened
};

/// Opens the input. Throws std::runtime_error that names the file.
std::unique_ptr<input> open_input(const boost::asio::any_io_executor& executor,
                                  const std::vector<std::string>& urls, const std::string& file);

} // namespace weir_fetch
