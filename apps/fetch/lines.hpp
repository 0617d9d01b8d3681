#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir_fetch {

/// Splits bytes that arrive in parts into the lines of a URL list. Line ends (LF or CRLF), empty
/// lines, lines that begin with `#`, and a byte order mark at the start are left out.
///
/// Memory: the part that was fed, and at most `longest` bytes of one line. The rest of a longer
///         line is dropped, so that a file without line ends cannot fill the memory.
class line_cutter {
public:
    static constexpr std::size_t longest = 128 * 1024;

    /// Takes the next part. Precondition: `next` has returned nothing since the last one.
    void feed(std::string_view part);
    /// To be called at the end: a last line without an end is a line too.
    void finish();
    /// The next line; nothing when more must be fed.
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
