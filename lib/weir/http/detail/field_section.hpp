#pragma once

#include <weir/http/detail/line_splitter.hpp>
#include <weir/http/error.hpp>
#include <weir/http/headers.hpp>

#include <cstddef>
#include <string_view>

namespace weir::http::detail {

/// Reads a header or trailer section: field lines, up to an empty one.
///
/// Errors: class protocol: what `read_field_line` refuses, and a first line that continues none;
///         too_large.
/// Source: RFC 9112 sections 2.2, 5 and 6.5. A line that begins with a blank continues the field
///         before it, with one blank between: section 5.2 wants that of a user agent, and browsers
///         and curl do it.
class field_section {
public:
    enum class state { more, end };

    /// `name` is for the texts of errors, and outlives the section.
    field_section(std::string_view name, std::size_t most_bytes, std::size_t most_fields) noexcept;

    /// Counts a line that was read before the fields.
    void add(const text_line& line) noexcept;
    /// How many bytes the section may still have.
    std::size_t room() const noexcept { return room_; }
    /// The failure for a section that has more.
    failure too_large() const;

    /// Takes fields from the front of `bytes`.
    result<state> read(line_splitter& lines, std::string_view& bytes, headers& into);

    /// Whether a line broke the rules in a way that is accepted: a bare LF, a blank before a colon,
    /// a line that continues another.
    bool tolerated() const noexcept { return tolerated_; }

private:
    result<state> take(std::string_view line, headers& into);

    std::string_view name_;
    std::size_t most_bytes_;
    std::size_t most_fields_;
    std::size_t room_;
    bool tolerated_ = false;
};

} // namespace weir::http::detail
