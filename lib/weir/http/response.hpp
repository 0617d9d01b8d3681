#pragma once

#include <weir/http/error.hpp>
#include <weir/http/headers.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace weir::http {

/// Where the time of one exchange went. `dns`, `connect` and `tls` are zero on a reused connection.
struct timings {
    duration dns{};
    duration connect{};
    duration tls{};
    /// From the start of the exchange to the end of the response's header.
    duration first_byte{};
    duration total{};
};

/// How one exchange went. What came before a failure is kept: status, bytes and times stay true.
///
/// `error` is empty when the whole response arrived, whatever its status: 404 is an answer.
struct response {
    /// 0 when no header arrived.
    unsigned status = 0;
    headers fields;
    /// Bytes of body handed to the sink.
    std::uint64_t bytes = 0;
    http::timings timings;
    /// The exchange went over a connection that had served another before.
    bool reused = false;
    std::optional<failure> error;
};

/// Takes the body as it arrives, in order, in parts that are gone when the call returns. An error
/// ends the exchange with class `io`. The body of a redirect that is followed is not handed over.
using body_sink = std::function<error_code(std::string_view part)>;

} // namespace weir::http
