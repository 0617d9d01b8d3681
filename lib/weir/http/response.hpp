#pragma once

#include <weir/http/attempt.hpp>
#include <weir/http/error.hpp>
#include <weir/http/headers.hpp>
#include <weir/http/processed.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace weir::http {

/// How long the steps of one exchange took. `dns`, `connect` and `tls` are zero on a reused
/// connection.
struct timings {
    duration dns{};
    duration connect{};
    duration tls{};
    /// From the start of the exchange to the end of the response's header.
    duration first_byte{};
    duration total{};
};

/// How one exchange went. After a failure, the members still describe what happened before it.
///
/// Errors: `error` is empty when the whole response arrived, whatever its status: 404 is an answer.
struct [[nodiscard]] response {
    /// 0 when no header arrived.
    unsigned status = 0;
    /// The version of HTTP that the server answered in: 10 or 11; 0 when no header arrived.
    unsigned version = 0;
    headers fields;
    /// Fields that came after a chunked body. They are kept apart, and nothing in them has an
    /// effect.
    headers trailers;
    /// Where redirects led: the URL of the last request, without user name and password. Empty
    /// where none was followed.
    std::string final_url;
    /// The body, where it was asked for whole (`client::async_request`).
    std::string body;
    /// Bytes of the body that arrived.
    std::uint64_t bytes = 0;
    /// Bytes of the body as they arrived: fewer than `bytes` where a content coding was undone.
    std::uint64_t wire_bytes = 0;
    /// The content codings that the bytes in the sink still have: `br`, or `gzip, foo`. Empty when
    /// there are none, or all were undone.
    std::string coding;
    http::timings timings;
    /// Whether the server may have acted on the request, if `error` says that it failed.
    http::processed processed = http::processed::no;
    /// Whether the connection had carried an earlier exchange.
    bool reused = false;
    std::optional<failure> error;
    /// What was tried, one after another: addresses that did not answer, exchanges, redirects. At
    /// most the last 32.
    attempt_list attempts;
};

} // namespace weir::http
