#pragma once

#include <weir/http/decoding_options.hpp>
#include <weir/http/detail/coding_step.hpp>
#include <weir/http/detail/content_coding.hpp>
#include <weir/http/detail/memory_account.hpp>
#include <weir/http/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::http::detail {

/// Undoes the content codings of one body as it arrives. It may be left after any part, for as long
/// as its user likes, and goes on from there.
///
/// Shape: bytes in, parts of at most 32 KiB out. What was read before a failure comes out first.
///        However the bytes are cut, a body that is good comes out the same.
/// Errors: protocol: the bytes are not of these codings, or something stands behind them;
///         incomplete: they end too early; too_large: more decoded bytes or memory than allowed, or
///         too many bytes for those that arrived; internal: there is no memory.
/// Memory: nothing before the first byte; then what the codings take and a buffer for each, counted
///         against `max_memory` and `max_memory_of_all`. A body goes past a limit by one buffer at
///         most, and that is not given out.
/// Source: RFC 9110 section 8.4. A body without a byte counts as an empty one, as in curl.
class content_decoder {
public:
    enum class state {
        more, ///< all bytes were taken, and everything in them was given out
        data  ///< see `data`; call again, also when no bytes are left
    };

    /// `applied`: in the order of Content-Encoding, at least one.
    /// `whole`: that of all decoders of a client, which outlives them.
    content_decoder(const std::vector<content_coding>& applied, const decoding_options& options,
                    memory_account* whole = nullptr);

    /// Takes what it needs from the front of `bytes`. After a failure, or `end`, it must not be
    /// called again.
    result<state> read(std::string_view& bytes);
    /// After `data`: the next part of the body, valid until the next call.
    std::string_view data() const noexcept { return steps_.back().output; }

    /// After `more`, when the body has ended: the failure, if it may not end here.
    std::optional<failure> end() const;

    const memory_account& memory() const noexcept { return memory_; }

private:
    /// One coding, and what came out of it and was not taken yet.
    struct step {
        content_coding coding{};
        std::unique_ptr<coding_step> work;
        std::vector<char> buffer;
        std::string_view output;
        std::uint64_t made = 0;
        bool started = false;
        bool full = false;            // so there may be more without further input
        std::optional<failure> error; // behind the output
    };

    void run(std::size_t index, std::string_view& input);
    void apply_limits(std::size_t index);

    decoding_options options_;
    memory_account memory_;
    std::vector<step> steps_; // the one that reads the wire first
    std::uint64_t wire_bytes_ = 0;
};

} // namespace weir::http::detail
