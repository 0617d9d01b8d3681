#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir::http::detail {

/// The segments of a file: which are free. The one that was given back last is used first, so that
/// the file grows only when none is free.
class segment_list {
public:
    using segment = std::uint32_t;

    /// How many there may be.
    explicit segment_list(std::size_t most) noexcept : most_(most) {}

    /// Nothing when all are used.
    std::optional<segment> take()
    {
        if (!free_.empty()) {
            const segment last = free_.back();
            free_.pop_back();
            return last;
        }
        if (made_ == most_)
            return std::nullopt;
        free_.reserve(made_ + 1); // so that `give_back` need not
        return static_cast<segment>(made_++);
    }
    void give_back(segment s) noexcept { free_.push_back(s); }

    std::size_t used() const noexcept { return made_ - free_.size(); }

private:
    const std::size_t most_;
    std::size_t made_ = 0;
    std::vector<segment> free_;
};

} // namespace weir::http::detail
