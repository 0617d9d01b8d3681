#pragma once

#include <weir/duration.hpp>
#include <weir/http/headers.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// Reads a date in any of HTTP's three forms; nothing when it is none of them or no such day or
/// time exists.
///
/// Shape: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, or
///        `Sun Nov  6 08:49:37 1994`. Letters match in either case. Which day of the week is
///        named does not matter. Second 60 is the one that follows.
/// Units: `now`, the time of the wall clock, settles the century of a year with two digits: the
///        latest one that is at most 50 years ahead.
/// Source: RFC 9110 section 5.6.7.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text,
                                                   std::chrono::sys_seconds now);

/// The date in the first of the three forms, which is the one to send. For years 0 to 9999.
std::string format_date(std::chrono::sys_seconds date);

/// How long a server asks to be left alone: what Retry-After says in seconds, or as a date. Nothing
/// when there is no such field, or it is neither.
///
/// Units: 0 for a date that has passed; `duration::max()` for what is longer than that. Counted
///        from the response's arrival. A date counts from the response's own Date, so that the two
///        clocks need not agree; without one, from `now` on the wall clock.
/// Source: RFC 9110 section 10.2.3.
std::optional<duration> retry_after(const headers& fields, std::chrono::sys_seconds now);

} // namespace weir::http
