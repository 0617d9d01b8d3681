#pragma once

#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/http/validators.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::http {

/// How the rest of a body is fetched after its connection broke: a pure rule, which asks for the
/// rest and says what the answer is. Where it is not sure that both parts are of the same bytes, it
/// does not continue.
///
/// Shape: `of` the response that broke off; `ask` for what is missing; `judge` the header of the
///        answer before any of its body is kept. When that breaks off as well, ask again, from the
///        new offset.
/// Source: RFC 9110 sections 13.1.5, 14.2, 14.4, 15.3.7, 15.3.7.3 and 15.5.17.
class continuation {
public:
    /// What an answer is to the body that broke off.
    enum class answer {
        rest,     ///< its body goes on at the offset, to the end
        all,      ///< its body is the whole: what was kept is to be dropped
        complete, ///< nothing was missing; it has no part of the body
        other     ///< none of these, such as 404, or 503: what was kept is not to be touched
    };

    /// Nothing when the body cannot be continued: the request was no GET or asked for a part
    /// itself; the response was not 200, or was broken by something other than the end of its
    /// connection or a timeout; it had no strong validator, or had a content coding, decoded or
    /// not; the server says that it knows no ranges. `now` is the time of the wall clock.
    static std::optional<continuation> of(const request& asked, const response& broken,
                                          std::chrono::sys_seconds now);

    /// The request for what follows the first `offset` bytes, which are kept; at least one.
    request ask(const request& asked, std::uint64_t offset) const;

    /// What the answer to that is: by its status and fields.
    ///
    /// Shape: `rest` only for 206 with one range that begins at the offset and reaches the end, of
    ///        the same length and with the same validator, without a content coding.
    answer judge(const response& head, std::uint64_t offset, std::chrono::sys_seconds now) const;

    /// How long the whole body is; empty when no answer has said so.
    std::optional<std::uint64_t> length() const noexcept { return length_; }

private:
    continuation(validators seen, std::optional<std::uint64_t> length);

    validators seen_;
    std::optional<std::uint64_t> length_;
};

/// What a Content-Range in bytes says: `bytes 5-9/10`, `bytes 5-9/*`, or `bytes */10`.
struct content_range {
    /// Of the part, both included; empty when the response has none.
    std::optional<std::uint64_t> first, last;
    /// Of the whole; empty when it is not known.
    std::optional<std::uint64_t> length;
};

/// Nothing for another unit, and for a range that contradicts itself.
///
/// Source: RFC 9110 section 14.4.
std::optional<content_range> parse_content_range(std::string_view text);

} // namespace weir::http
