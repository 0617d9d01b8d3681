#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir_fetch {

/// Cuts bytes that come in parts into the lines of a URL list: without their ends (LF or CRLF), and
/// without empty lines, lines that begin with `#`, and a byte order mark at the start.
///
/// Memory    the part that was fed, and of one line at most `longest` bytes: what is beyond is cut
///           off, so that a file without line ends cannot fill the memory.
class line_cutter {
public:
    static constexpr std::size_t longest = 128 * 1024;

    /// Precondition: `next` has returned nothing since the last part.
    void feed(std::string_view part);
    /// No more will come: a last line without an end is a line.
    void finish();
    /// The next line, or nothing when more must be fed.
    std::optional<std::string> next();

private:
    std::optional<std::string> raw_line();

    std::string fed_;
    std::size_t at_ = 0;
    std::string partial_;
    bool finished_ = false;
    bool first_ = true;
};

} // namespace weir_fetch
