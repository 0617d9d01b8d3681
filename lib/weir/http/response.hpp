#pragma once

#include <weir/http/error.hpp>
#include <weir/http/headers.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <optional>

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
struct response {
    /// 0 when no header arrived.
    unsigned status = 0;
    headers fields;
    /// Fields that came after a chunked body. They are kept apart, and nothing in them has an
    /// effect.
    headers trailers;
    /// Bytes of the body that were passed to the sink.
    std::uint64_t bytes = 0;
    http::timings timings;
    /// Whether the connection had carried an earlier exchange.
    bool reused = false;
    std::optional<failure> error;
};

} // namespace weir::http
