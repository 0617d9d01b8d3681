#pragma once

#include <weir/rate.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace weir_fetch {

/// Accepts a length of time in seconds, from 0.001 to ten years.
CLI::Validator seconds();

/// The same, or 0.
CLI::Validator seconds_or_none();

/// Accepts a whole number in a range; digits only, so that -1 is not read as a very large one.
CLI::Validator number(std::uint64_t least, std::uint64_t most);

/// Accepts a number of redirects, or -1.
CLI::Validator redirects();

/// Reads `20`, `20/s`, `90/m`, `90/h` or `90/d`; nothing when it is none of these.
std::optional<weir::rate> rate_of(const std::string& text);

/// Accepts a number of bytes with a suffix, and replaces it with the plain number.
CLI::Validator bytes();

/// The same for bytes a second, with the suffixes that curl knows: B, k, M and G.
CLI::Validator speed();

} // namespace weir_fetch
