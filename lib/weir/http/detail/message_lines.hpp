#pragma once

#include <weir/http/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::http::detail {

/// What a status line says. The reason phrase is for people, and skipped.
struct status_line {
    unsigned status = 0;
    bool http11 = false; ///< otherwise HTTP/1.0
};

/// Reads a line such as `HTTP/1.1 200 OK`. The reason phrase may be missing, with the blank before
/// it.
///
/// Errors: class protocol: another version, a status that is not three digits or below 100, CR or
///         NUL in the reason phrase.
/// Source: RFC 9112 section 4; a version above 1.1 does not exist.
result<status_line> read_status_line(std::string_view line);

/// Whether a line that goes on so, after `at` bytes, may be a status line: says early that a server
/// speaks another protocol, which may never end a line.
bool may_be_status_line(std::size_t at, std::string_view bytes) noexcept;

/// What a field line says.
struct field_line {
    std::string_view name;
    std::string_view value; ///< without blanks around it
    bool blank_before_colon = false;
};

/// Reads a line such as `Name: value`. Blanks before the colon are skipped.
///
/// Errors: class protocol: no colon, a name that is no token, CR or NUL in the value. Other
///         controls are kept, as RFC 9110 allows and curl does.
/// Source: RFC 9112 section 5, RFC 9110 section 5.5.
result<field_line> read_field_line(std::string_view line);

/// What the line before a chunk says. Extensions are skipped.
struct chunk_line {
    std::uint64_t size = 0;
    std::size_t extension = 0; ///< bytes of the line besides the size
    bool blank_after_size = false;
};

/// Reads a line such as `1f;name=value`. Blanks after the size are skipped.
///
/// Errors: class protocol: no size, a size of 2^64 or above, anything after it but extensions, CR
///         or NUL in those.
/// Source: RFC 9112 sections 7.1 and 7.1.1.
result<chunk_line> read_chunk_line(std::string_view line);

/// A number of bytes as Content-Length gives it: digits alone, below 2^64.
///
/// Source: RFC 9110 section 8.6.
std::optional<std::uint64_t> read_length(std::string_view digits) noexcept;

/// Without the blanks and tabs around it.
std::string_view trimmed(std::string_view text) noexcept;

/// A failure of class protocol: the response breaks the rules in this way.
failure invalid(std::string_view how);

} // namespace weir::http::detail
