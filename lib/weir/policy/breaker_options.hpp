#pragma once

#include <weir/duration.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir {

/// What a breaker does with the calls to one key.
enum class breaker_state : std::uint8_t {
    closed,    ///< lets them through, and counts
    open,      ///< refuses them
    half_open, ///< lets a few through as probes
};

/// The state's name, as above.
const char* to_string(breaker_state state) noexcept;

/// When a breaker opens, for how long, and how many keys it knows.
class breaker_options {
public:
    breaker_options() {}

    /// How many of a key's latest calls are looked at. From 1 to 64, default 20: a shorter window
    /// opens on a hiccup, a longer one takes longer to notice.
    breaker_options& window(std::size_t calls);

    /// Opens when this many calls of the window have failed. At least 1, default half of the
    /// window, rounded up. Above `window`: never.
    breaker_options& failures(std::size_t calls);

    /// Opens as well when this many calls of the window took `length` or longer. Default: slow
    /// calls are not counted. A far side that drowns is slow before it fails.
    breaker_options& slow(duration length, std::size_t calls);

    /// How long it refuses before it asks again. Above zero, default 10 seconds.
    breaker_options& open_for(duration length);

    /// How many calls may be probes, and must succeed before it closes. At least 1, the default: a
    /// far side that has just come back need not face all its callers at once.
    breaker_options& probes(std::size_t calls);

    /// How many keys may be in trouble at a time. At least 1, default 10,000. Keys whose window
    /// holds only good calls are not kept, and need no place.
    breaker_options& max_keys(std::size_t keys);

    /// A key that was not used for this long is forgotten, its failures too; an open one is kept
    /// until it would ask again, and this long after that. Above zero, default 10 minutes.
    breaker_options& forget_after(duration length);

    std::size_t window() const noexcept { return window_; }
    std::size_t failures() const noexcept { return failures_ != 0 ? failures_ : (window_ + 1) / 2; }
    duration slow() const noexcept { return slow_; }
    std::size_t slow_calls() const noexcept { return slow_calls_; }
    duration open_for() const noexcept { return open_for_; }
    std::size_t probes() const noexcept { return probes_; }
    std::size_t max_keys() const noexcept { return max_keys_; }
    duration forget_after() const noexcept { return forget_after_; }

private:
    std::size_t window_ = 20;
    std::size_t failures_ = 0; // half of the window
    duration slow_ = duration::max();
    std::size_t slow_calls_ = 65; // never: no window is as long
    duration open_for_ = std::chrono::seconds(10);
    std::size_t probes_ = 1;
    std::size_t max_keys_ = 10'000;
    duration forget_after_ = std::chrono::minutes(10);
};

} // namespace weir
