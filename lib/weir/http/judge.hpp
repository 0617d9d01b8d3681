#pragma once

#include <weir/http/response.hpp>
#include <weir/http/retried.hpp>
#include <weir/policy/retry_attempts.hpp>

#include <string_view>

namespace weir::http {

/// Tells an attempt of `async_retry` how its request has ended: `judge(current, answer)`.
///
/// Shape: an answer below 400 is a success. Anything else has failed: with the code of its error,
///        or with `error_class::http`. Another attempt follows as for a `fetcher`: only where it
///        may end better, by `which`, and never where the server may have acted on a request whose
///        `method` is not idempotent. The rules for errors of the policy are not asked; its number
///        of attempts, waits and budget count.
///        What a server asks for in Retry-After is waited for, as long as the policy allows.
/// Threads: as of the attempt. It reads the system's clock when Retry-After is a date.
void judge(this_attempt& current, const response& answer, std::string_view method = "GET",
           retried which = retried::transient);

} // namespace weir::http
