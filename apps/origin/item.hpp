#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What the origin serves. Body and delay depend on nothing but the item's number and the seed, so
/// a client can check every byte, and a run can be repeated whatever order its requests come in.
namespace origin {

/// The shortest and the longest time an answer takes, and the seed of everything in between.
struct delay_range {
    std::chrono::milliseconds min{5};
    std::chrono::milliseconds max{50};
    std::uint64_t seed = 1;
};

/// The N of "/item/N": up to 18 decimal digits. Nothing for any other target.
std::optional<std::uint64_t> item_number(std::string_view target);

/// "item N\n", 1 + N % 8 times.
std::string item_body(std::uint64_t number);

/// Even over [min, max], in microseconds.
std::chrono::microseconds item_delay(std::uint64_t number, const delay_range& range);

} // namespace origin
