#include "item.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace origin {

namespace {

// Source: the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", 2014). Neighbouring inputs give unrelated outputs.
std::uint64_t mix(std::uint64_t value)
{
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

} // namespace

std::optional<std::uint64_t> item_number(std::string_view target)
{
    constexpr std::string_view prefix = "/item/";
    constexpr std::size_t most_digits = 18;

    if (!target.starts_with(prefix)) {
        return std::nullopt;
    }
    target.remove_prefix(prefix.size());
    if (target.empty() || target.size() > most_digits) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(target.data(), target.data() + target.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != target.data() + target.size()) {
        return std::nullopt;
    }
    return number;
}

std::string item_body(std::uint64_t number)
{
    const std::string line = "item " + std::to_string(number) + "\n";
    std::string body;
    for (std::uint64_t count = 0; count <= number % 8; ++count) {
        body += line;
    }
    return body;
}

std::chrono::microseconds item_delay(std::uint64_t number, const delay_range& range)
{
    const std::chrono::microseconds least = range.min;
    const std::chrono::microseconds most = std::max(range.min, range.max);
    const auto choices = static_cast<std::uint64_t>((most - least).count()) + 1;
    const std::uint64_t chosen = mix(mix(range.seed) ^ number) % choices;
    return least + std::chrono::microseconds(chosen);
}

} // namespace origin
