#pragma once

#include <weir/http/response.hpp>
#include <weir/http/retried.hpp>

#include <string_view>

namespace weir::http::detail {

/// Whether there is an error, or a status of 400 or above, which is of class `http`.
bool has_failed(const response& answer);

/// Whether an exchange that failed may end better another time, and may be made again.
bool is_worth_another(const response& answer, std::string_view method, retried which);

/// Whether nothing was heard of the server: it cannot be reached, or says nothing.
bool is_unanswered(const response& answer);

/// Whether the server asked for fewer requests: status 429, or 503 with Retry-After.
bool is_refusal(const response& answer);

} // namespace weir::http::detail
