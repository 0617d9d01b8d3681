#pragma once

#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <optional>

namespace weir::http {

/// The result of one exchange: the response, and the next request when it is a redirect.
struct hop {
    response answer;
    /// The request to make next, when the response is a redirect that may be followed. The body of
    /// such a response was not passed to the sink.
    std::optional<request> next;
};

} // namespace weir::http
