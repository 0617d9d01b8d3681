#pragma once

#include <weir/duration.hpp>
#include <weir/policy/breaker_options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir::detail {

/// How a call that a breaker let through has ended.
enum class breaker_result : std::uint8_t {
    succeeded,
    failed,
    unknown, ///< it was given up: this says nothing about the far side
};

/// What a call was let through with.
struct breaker_ticket {
    time_point began;
    std::uint64_t probe = 0; ///< its number; 0 when it is none
};

/// The breaker of one key: a pure rule.
///
/// Shape: the latest calls are two words of bits, of those that failed and of those that were slow.
///        `numbers` counts the probes of all keys, so that a probe's result never counts for
///        another one, nor for a key that was forgotten and is known again.
class breaker_cell {
public:
    /// Empty when the call is refused; so is a probe that there is no memory for.
    std::optional<breaker_ticket> enter(time_point now, const breaker_options& options,
                                        std::uint64_t& numbers) noexcept;

    void left(const breaker_ticket& ticket, breaker_result result, time_point now,
              const breaker_options& options) noexcept;

    /// Without it being asked for: an open one that would ask again is still open.
    breaker_state state() const noexcept { return state_; }
    /// Whether a call is refused now: until `until`, at the latest.
    bool refuses(time_point now, const breaker_options& options) const noexcept;
    /// While open: when it lets a probe through. While half-open: when one goes in place of the
    /// first of those that have not ended.
    time_point until() const noexcept { return out_.empty() ? until_ : out_.front().until; }
    /// As good as a new one.
    bool is_clean() const noexcept
    {
        return state_ == breaker_state::closed && failed_ == 0 && slow_ == 0;
    }

private:
    struct probe {
        std::uint64_t number;
        time_point until; // it should have ended
    };

    bool is_full(const breaker_options& options) const noexcept
    {
        return succeeded_ + out_.size() >= options.probes();
    }
    bool leave(std::uint64_t number) noexcept;
    void count(bool failed, bool slow, time_point now, const breaker_options& options) noexcept;
    void open(time_point now, const breaker_options& options) noexcept;

    std::uint64_t failed_ = 0; // the latest call is the lowest bit
    std::uint64_t slow_ = 0;
    time_point until_{};        // open: refuses
    std::uint64_t first_ = 0;   // half-open: the number of its first probe
    std::vector<probe> out_;    // half-open: those that have not ended, in their order
    std::size_t succeeded_ = 0; // half-open
    breaker_state state_ = breaker_state::closed;
};

/// Whether a call that ends now was slow.
bool is_slow(const breaker_ticket& ticket, time_point now, const breaker_options& options) noexcept;

} // namespace weir::detail
