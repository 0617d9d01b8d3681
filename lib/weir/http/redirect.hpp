#pragma once

#include <weir/http/error.hpp>
#include <weir/http/headers.hpp>
#include <weir/http/request.hpp>

#include <optional>

namespace weir::http {

/// The request to make next when a response is a redirect.
///
/// Shape: empty when the response is not a redirect: its status is not 301, 302, 303, 307 or 308,
///        or its Location is missing or empty. A POST becomes a GET after 301 and 302, and every
///        method except HEAD becomes a GET after 303. The new URL is relative to the current one.
///        When scheme, host or port change, the secret fields are dropped.
/// Errors: class `redirect`: two different Location fields, or a URL that is not http or https.
/// Source: RFC 9110 section 15.4; the secret fields as in the Fetch standard and curl.
std::optional<result<request>> redirected(const request& was, unsigned status,
                                          const headers& answer);

} // namespace weir::http
