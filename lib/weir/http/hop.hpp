#pragma once

#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <optional>

namespace weir::http {

/// The result of one exchange: the response, and the next request when it leads to one.
struct hop {
    response answer;
    /// The request to make next, when the response is a redirect that may be followed, or a 417
    /// (Expectation Failed) to a request that can be made without. The body of such a response was
    /// not passed to the sink.
    std::optional<request> next;

    /// Whether `next` is where a redirect leads, and not the same request without `Expect`.
    bool is_redirect() const noexcept { return next && answer.status != 417; }
};

} // namespace weir::http
