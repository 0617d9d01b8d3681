#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::http::detail {

/// How large the parts of a response may be. Line ends count. The header's and the body's limits
/// are options of the client; the others never stand in the way of a server that means well.
struct response_limits {
    /// The status line and the fields of one header: a hundred cookies are more than the usual
    /// 8 KiB.
    std::uint32_t header_bytes = 256 * 1024;
    /// The fields of one header: ten times what large sites send.
    std::size_t header_fields = 1000;
    /// The status line: the 8,000 that RFC 9112 section 3 asks of servers for a request line.
    std::size_t status_line_bytes = 8000;
    /// 1xx responses before the final one: servers send one or two.
    unsigned interim_responses = 16;
    /// The line before a chunk, its size and extensions: a signature takes 90.
    std::size_t chunk_line_bytes = 4096;
    /// The extensions of all chunks, besides one byte for each byte of the body. So signed chunks
    /// pass in a body of any length, and a stream of extensions alone ends.
    std::uint64_t extension_bytes = 16 * 1024;
    /// The trailer section: a few checksums and a signature are less than 1 KiB.
    std::size_t trailer_bytes = 16 * 1024;
    /// The fields of the trailer section.
    std::size_t trailer_fields = 100;
    /// The body: it is passed on and not kept, so no limit.
    std::uint64_t body_bytes = UINT64_MAX;
};

} // namespace weir::http::detail
