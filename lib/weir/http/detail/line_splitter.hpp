#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http::detail {

/// A line without its end.
struct text_line {
    std::string_view text;
    std::size_t bytes = 0; ///< with its end
    bool bare_lf = false;  ///< it ended with LF alone
};

/// Cuts bytes into lines, in whatever parts they arrive.
///
/// Shape: a line ends with LF; a CR before that belongs to the end. A line that lies in the given
///        bytes is not copied.
/// Memory: keeps the beginning of a line whose end is missing, at most `most` bytes of it.
class line_splitter {
public:
    enum class state {
        line,    ///< see `line`, which is valid until the next call, while the bytes are
        more,    ///< all bytes were taken, and the line goes on
        too_long ///< the line has more than `most` bytes
    };

    /// Removes the next line from the front of `bytes`.
    state next(std::string_view& bytes, std::size_t most);
    const text_line& line() const noexcept { return line_; }

    /// The part of a line that is kept.
    std::string_view begun() const noexcept { return kept_whole_ ? std::string_view() : kept_; }
    /// In how many bytes the end of a line was looked for: once in each, however they arrive.
    std::uint64_t searched() const noexcept { return searched_; }

private:
    text_line line_;
    std::string kept_;
    bool kept_whole_ = false; // what is kept is the line that was given last
    std::uint64_t searched_ = 0;
};

} // namespace weir::http::detail
