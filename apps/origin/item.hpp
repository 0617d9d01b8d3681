#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The origin serves items. Body and delay of an item depend only on its number and the seed, so a
/// client can check every byte, and a run can be repeated in any order of requests.
namespace origin {

/// The shortest and the longest time an answer takes, and the seed that chooses between them.
struct delay_range {
    std::chrono::milliseconds min{5};
    std::chrono::milliseconds max{50};
    std::uint64_t seed = 1;
};

/// The N of "/item/N", up to 18 decimal digits; nothing for any other target.
std::optional<std::uint64_t> item_number(std::string_view target);

/// The body of an item: "item N\n", 1 + N % 8 times.
std::string item_body(std::uint64_t number);

/// The delay of an item: evenly distributed over [min, max], in steps of a microsecond.
std::chrono::microseconds item_delay(std::uint64_t number, const delay_range& range);

} // namespace origin
