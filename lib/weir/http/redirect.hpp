#pragma once

#include <weir/http/error.hpp>
#include <weir/http/headers.hpp>
#include <weir/http/request.hpp>

#include <optional>

namespace weir::http {

/// Where a response sends us: nothing when it is not a redirect (no 301, 302, 303, 307, 308, or
/// no Location), else the request to make next.
///
/// A POST becomes a GET after 301 and 302, everything but HEAD after 303. The new URL is read
/// relative to the current one. When scheme, host or port change, the secret fields are dropped.
///
/// Errors    class `redirect`: two different Location fields, or a URL that is not http or https.
/// Source    RFC 9110 section 15.4; secrets as the Fetch standard and curl do.
std::optional<result<request>> redirected(const request& was, unsigned status,
                                          const headers& answer);

} // namespace weir::http
