#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace weir::detail {

/// Results by number, starting at the next one to deliver. Grows to hold all numbers in between.
template <class T>
class result_window {
public:
    /// Makes room for the numbers from `first` to `last`, so that `put` cannot fail.
    void reach(std::uint64_t first, std::uint64_t last)
    {
        if (last - first < size_)
            return;
        std::size_t wider = size_ == 0 ? 1 : size_;
        while (wider <= last - first)
            wider *= 2;
        auto moved = std::make_unique<std::optional<T>[]>(wider);
        for (std::uint64_t n = first; n - first < size_; ++n)
            moved[n & (wider - 1)] = std::move(at(n));
        places_ = std::move(moved);
        size_ = wider;
    }

    void put(std::uint64_t number, T&& value) noexcept { at(number).emplace(std::move(value)); }

    bool has(std::uint64_t number) const noexcept
    {
        return size_ != 0 && places_[number & (size_ - 1)].has_value();
    }

    /// Precondition: `has(number)`.
    T take(std::uint64_t number) noexcept
    {
        std::optional<T>& place = at(number);
        T taken(std::move(*place));
        place.reset();
        return taken;
    }

    /// Destroys the results from `first` to before `last`, and returns how many there were.
    std::size_t drop(std::uint64_t first, std::uint64_t last) noexcept
    {
        std::size_t count = 0;
        for (std::uint64_t n = first; n != last; ++n)
            if (has(n)) {
                at(n).reset();
                ++count;
            }
        return count;
    }

private:
    std::optional<T>& at(std::uint64_t number) noexcept { return places_[number & (size_ - 1)]; }

    std::unique_ptr<std::optional<T>[]> places_;
    std::size_t size_ = 0; // a power of two
};

} // namespace weir::detail
