#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir_fetch {

/// The input is no list of URLs, or not the one it should be. The text says what and where.
class input_fault : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A line of the input.
struct input_line {
    std::uint64_t number = 0; // from 1, all lines counted
    std::string text;
    bool is_cut = false; // its end was dropped, because it is too long
};

/// Splits bytes that arrive in parts into the lines of a URL list. Line ends (LF or CRLF), empty
/// lines, lines that begin with `#`, and a byte order mark at the start are left out.
///
/// Errors: `next` throws `input_fault` for a line with a NUL byte, for UTF-16 and for gzip.
/// Memory: the part that was fed, and at most `longest` bytes of one line. The rest of a longer
///         line is dropped, so that a file without line ends cannot fill the memory.
class line_cutter {
public:
    static constexpr std::size_t longest = 128 * 1024;

    /// Takes the next part. Precondition: `next` has returned nothing since the last one, or
    /// `take_unread` was called.
    void feed(std::string_view part);
    /// To be called at the end: a last line without an end is a line too.
    void finish();
    /// The next line; nothing when more must be fed.
    std::optional<input_line> next();
    /// What was fed and not returned, as it is: also the line of an `input_fault`, but not the rest
    /// of a line that was cut.
    std::string take_unread();
    /// How many bytes were fed that no line was made of.
    std::size_t unread() const noexcept { return fed_.size() - at_ + partial_.size(); }

private:
    std::optional<input_line> raw_line();
    bool skip_rest();
    void check(const input_line& line);

    std::string fed_;
    std::size_t at_ = 0;
    std::string partial_;
    std::uint64_t number_ = 0;
    bool skipping_ = false; // the rest of a line that was cut
    bool finished_ = false;
};

} // namespace weir_fetch
