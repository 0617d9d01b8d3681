#pragma once

#include <weir/http/detail/field_section.hpp>
#include <weir/http/detail/line_splitter.hpp>
#include <weir/http/detail/response_limits.hpp>
#include <weir/http/error.hpp>
#include <weir/http/headers.hpp>

#include <cstdint>
#include <string_view>

namespace weir::http::detail {

/// Reads a chunked body: sizes, data and trailer fields.
///
/// Shape: data is not copied. Extensions are skipped.
/// Errors: class protocol: what `read_chunk_line` and `field_section` refuse, and data that is not
///         followed by the end of a line; too_large: a chunk's line, extensions or trailers.
/// Memory: a line that is not complete.
/// Source: RFC 9112 section 7.1.
class chunk_decoder {
public:
    enum class state {
        more, ///< all bytes were taken; the body goes on
        data, ///< see `data`
        end   ///< the last trailer field was read
    };

    explicit chunk_decoder(const response_limits& limits);

    /// Takes the next part of the body from the front of `bytes`.
    result<state> read(std::string_view& bytes, headers& trailers);
    /// After `data`: the part, which lies in the bytes that were given.
    std::string_view data() const noexcept { return data_; }

    /// Whether something broke the rules in a way that is accepted.
    bool tolerated() const noexcept { return tolerated_ || trailers_.tolerated(); }
    const line_splitter& lines() const noexcept { return lines_; }

private:
    enum class part { size, data, data_end, trailers };

    result<part> begin_chunk(line_splitter::state found);
    result<part> end_data(line_splitter::state found) const;

    response_limits limits_;
    line_splitter lines_;
    field_section trailers_;
    std::string_view data_;
    part part_ = part::size;
    std::uint64_t left_ = 0; // of the chunk
    std::uint64_t data_bytes_ = 0;
    std::uint64_t extension_bytes_ = 0;
    bool tolerated_ = false;
};

} // namespace weir::http::detail
