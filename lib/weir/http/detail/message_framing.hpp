#pragma once

#include <weir/http/detail/message_lines.hpp>
#include <weir/http/error.hpp>
#include <weir/http/headers.hpp>
#include <weir/http/request.hpp>

#include <cstdint>

namespace weir::http::detail {

/// Where the body of a response ends, and whether its connection may be used again then.
struct message_framing {
    enum class end {
        none,    ///< there is no body
        length,  ///< after `length` bytes
        chunked, ///< with the last chunk
        close    ///< with the connection
    };

    end body = end::close;
    std::uint64_t length = 0;
    bool keep_alive = false;
};

/// Reads the framing of a final response to `method` from its header.
///
/// Errors: class protocol: lengths that differ, or are no numbers below 2^64; a length together
///         with a transfer coding; a transfer coding other than a single `chunked`.
/// Source: RFC 9112 sections 6.1 to 6.3 and 9.3. A length that is given more than once, or a
///         transfer coding in HTTP/1.0, costs the connection.
result<message_framing> framing_of(std::string_view method, const status_line& first,
                                   const headers& fields);

} // namespace weir::http::detail
