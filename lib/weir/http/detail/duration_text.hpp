#pragma once

#include <weir/duration.hpp>

#include <string>

namespace weir::http::detail {

/// A length of time for people, to the millisecond: `30 s`, `0.25 s`. Not negative.
std::string text_of(duration length);

} // namespace weir::http::detail
