#pragma once

#include <algorithm>
#include <cstdint>

namespace weir_fetch {

/// How many entries an input has in all.
struct extent {
    std::uint64_t entries = 0;
    bool is_exact = false;
};

/// By the part of the input in which `entries` were: `read` of `all` bytes, at least one.
inline extent estimated_extent(std::uint64_t entries, std::uint64_t read, std::uint64_t all)
{
    const double parts = static_cast<double>(all) / static_cast<double>(read);
    const auto rounded = static_cast<std::uint64_t>(static_cast<double>(entries) * parts + 0.5);
    return {std::max(entries, rounded), false};
}

} // namespace weir_fetch
