#pragma once

#include <weir/http/body.hpp>
#include <weir/http/decoding_options.hpp>
#include <weir/http/detail/chunk_decoder.hpp>
#include <weir/http/detail/content_decoder.hpp>
#include <weir/http/detail/field_section.hpp>
#include <weir/http/detail/line_splitter.hpp>
#include <weir/http/detail/memory_account.hpp>
#include <weir/http/detail/message_framing.hpp>
#include <weir/http/detail/message_lines.hpp>
#include <weir/http/detail/response_limits.hpp>
#include <weir/http/error.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace weir::http::detail {

/// Reads one response from bytes as they arrive, in whatever parts. It uses no socket and never
/// waits: the caller feeds it. What it accepts and refuses is in docs/http.md.
///
/// Shape: fills `into`: status and fields when the header is complete, bytes while the body goes to
///        the sink, trailers when they are complete. The sink gets views of the bytes fed. Each
///        byte is looked at a fixed number of times.
/// Errors: in `into.error`: protocol, too_large, incomplete, io (the sink's), internal (a decoder
///         without memory).
/// Memory: the fields, and the beginning of a line that is not complete; both within the limits.
///         For a body with codings that are undone, a `content_decoder`.
/// Source: RFC 9112 sections 2 to 9, RFC 9110 section 15.2 for the responses before the final one.
class response_reader {
public:
    enum class state {
        more,  ///< all bytes were taken; feed more
        head,  ///< the final header is complete: returned once; feed again for the body
        done,  ///< the response is complete
        failed ///< see the error
    };

    response_reader(std::string method, const response_limits& limits, const body_sink& sink,
                    response& into);

    /// Removes what it reads from the front of `bytes`.
    state feed(std::string_view& bytes);
    /// To be called when the connection ended; without an error when the peer closed it as it
    /// should.
    state end(error_code how);

    /// Before the header is complete: undoes the codings of the body, when all of them are known.
    /// A part of a body (206) is left as it is. `of_all` counts the memory of all decoders.
    void undo_codings(const decoding_options& how, memory_account* of_all = nullptr)
    {
        decoding_ = how;
        decoders_ = of_all;
    }
    /// After `head`: counts the body and discards it, and stops reading after `max_bytes`.
    void discard_body(std::uint64_t max_bytes);
    /// After `head`: the body goes on where another one broke off, and the limit counts for both.
    void goes_on_after(std::uint64_t bytes) noexcept { before_ = bytes; }
    /// After `head`: why its body, unless it is discarded, will not be read; empty otherwise.
    const std::optional<failure>& unreadable() const noexcept { return unreadable_; }
    /// After `head`: whether the connection may carry another request, once the body was read.
    bool may_be_reusable() const noexcept { return framing_.keep_alive && !tolerated_; }
    /// Whether what is fed next is decoded: much more may come out of it.
    bool decodes() const noexcept { return decoder_ && !discard_ && part_ == part::body; }
    /// Whether any byte of a response has arrived.
    bool started() const noexcept { return started_; }
    /// After `head`: how long the body that is delivered will be, where the header says so.
    std::optional<std::uint64_t> length() const;
    /// Whether a 100 (Continue) has arrived.
    bool continued() const noexcept { return continued_; }
    /// After `done`: whether the connection may carry another request.
    bool reusable() const;

    /// How many bytes it keeps, besides the fields.
    std::size_t kept() const noexcept;
    /// In how many bytes it has looked for the end of a line.
    std::uint64_t searched() const noexcept;

private:
    enum class part { status_line, fields, body, over };

    state read_status_line(std::string_view& bytes);
    state read_fields(std::string_view& bytes);
    state header_ended();
    state read_body(std::string_view& bytes);
    state read_chunks(std::string_view& bytes);
    void prepare_decoder();
    state pass_on(std::string_view piece);
    state decode(std::string_view piece);
    state deliver(std::string_view piece);
    state over();
    std::uint64_t room() const noexcept;
    state fail(failure why);

    std::string method_;
    response_limits limits_;
    body_sink sink_;
    response& into_;
    line_splitter lines_;
    field_section header_;
    chunk_decoder chunks_;
    status_line first_;
    headers fields_; // of the header that is being read
    message_framing framing_;
    std::optional<decoding_options> decoding_;
    memory_account* decoders_ = nullptr;       // of the client
    std::unique_ptr<content_decoder> decoder_; // of a body that has codings to undo
    std::optional<failure> unreadable_;
    part part_ = part::status_line;
    std::uint64_t max_body_;
    std::uint64_t before_ = 0; // of the same body, in an earlier response
    unsigned interim_ = 0;
    bool started_ = false;
    bool continued_ = false;
    bool discard_ = false;
    bool tolerated_ = false; // in a header
    bool left_over_ = false;
    bool at_end_ = false;
};

} // namespace weir::http::detail
