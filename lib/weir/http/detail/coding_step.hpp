#pragma once

#include <weir/http/detail/content_coding.hpp>
#include <weir/http/detail/memory_account.hpp>
#include <weir/http/error.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace weir::http::detail {

/// What one call of a `coding_step` made: bytes first, then the failure that came behind them.
struct decoded {
    std::size_t bytes = 0;
    std::optional<failure> error;
};

/// Undoes one content coding, as its input comes and as there is room for its output.
///
/// Errors: protocol: the input is not of this coding, or something stands behind it; too_large: the
///         memory it takes; internal: there is no memory.
/// Memory: of its account, which outlives it. Nothing before the first byte of input.
class coding_step {
public:
    coding_step() = default;
    coding_step(const coding_step&) = delete;
    coding_step& operator=(const coding_step&) = delete;
    virtual ~coding_step() = default;

    /// Takes input from the front of `in`, and writes at most `room` bytes. When it does not fail
    /// and the room is not full, it has taken all of `in`.
    virtual decoded decode(std::string_view& in, char* out, std::size_t room) = 0;

    /// Whether the input may end here.
    virtual bool complete() const noexcept = 0;
};

std::unique_ptr<coding_step> make_coding_step(content_coding which, memory_account& memory);

/// gzip by zlib: any number of members, one after another.
///
/// Source: RFC 1952. As in curl, nothing else may stand behind the last member, zeros neither.
std::unique_ptr<coding_step> make_gzip_step(memory_account& memory);
/// deflate by zlib: in zlib's format, as the RFC says, or raw, as some servers send it.
///
/// Source: RFC 1950 and 1951, RFC 9110 section 8.4.1.2.
std::unique_ptr<coding_step> make_deflate_step(memory_account& memory);
/// br by libbrotlidec. Source: RFC 7932.
std::unique_ptr<coding_step> make_brotli_step(memory_account& memory);
/// zstd by libzstd: any number of frames, with a window of at most 8 MiB.
///
/// Source: RFC 8878; the window is that of RFC 9659.
std::unique_ptr<coding_step> make_zstd_step(memory_account& memory);

/// A failure of class protocol: the input is broken in this way.
failure broken_coding(content_coding which, std::string_view how);
/// The failure where a step got no memory: too_large when it is a limit of the account.
failure no_memory_for(content_coding which, const memory_account& memory);

} // namespace weir::http::detail
