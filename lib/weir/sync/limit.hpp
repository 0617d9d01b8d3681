#pragma once

#include <concepts>
#include <cstddef>
#include <limits>
#include <stdexcept>

namespace weir {

/// A limit of concurrency: a number from 1, `unlimited`, or `paused`. There is no plain 0: some
/// systems read it as "no limit", others as "wait forever".
class limit {
public:
    /// Throws `std::invalid_argument` below 1, and from the count of `unlimited` on.
    template <std::integral Number>
    constexpr limit(Number n) : count_(static_cast<std::size_t>(n))
    {
        if (n < Number{1} || count_ >= most)
            throw std::invalid_argument(
                "weir::limit: must be at least 1; to say none at all, or nothing for now, use "
                "weir::unlimited or weir::paused");
    }

    constexpr bool is_unlimited() const noexcept { return count_ == most; }
    constexpr bool is_paused() const noexcept { return count_ == 0; }
    /// The number; 0 when paused; a number that no count reaches when unlimited.
    constexpr std::size_t count() const noexcept { return count_; }

    friend constexpr bool operator==(limit, limit) noexcept = default;

    /// The limit whose `count()` this is; 0 is `paused`.
    static constexpr limit of_count(std::size_t count) noexcept { return limit(raw(), count); }

private:
    struct raw {};
    static constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 8;

    constexpr limit(raw, std::size_t count) noexcept : count_(count) {}

    std::size_t count_;
};

/// No limit.
inline constexpr limit unlimited = limit::of_count(std::numeric_limits<std::size_t>::max() / 8);
/// Nothing for now: everything waits until the limit is changed.
inline constexpr limit paused = limit::of_count(0);

} // namespace weir
