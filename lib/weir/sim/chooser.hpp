#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::sim {

/// Decides wherever a simulation could go on in more than one way. A world asks it; the answers, in
/// order, are a schedule, and the same answers give the same run.
///
/// Units: `n` is at least 2, an answer is below `n`, and 0 is the ordinary way.
/// Threads: one.
class chooser {
public:
    virtual ~chooser() = default;

    /// Which of `n` ready steps runs next. The steps before it go to the end of the queue.
    virtual std::size_t next_step(std::size_t n) = 0;
    /// Which of `n` possibilities other than order is taken.
    virtual std::size_t choose(std::size_t n) = 0;
    /// Whether a fault that has waited for `steps` steps strikes before the next one.
    virtual bool strikes(std::size_t steps);
};

/// Decides at random; the same seed gives the same decisions.
///
/// Source: SplitMix64 (Steele, Lea, Flood 2014), because constructing one costs nothing.
class seeded_chooser final : public chooser {
public:
    explicit seeded_chooser(std::uint64_t seed) noexcept : state_(seed) {}

    std::size_t next_step(std::size_t n) override { return choose(n); }
    std::size_t choose(std::size_t n) override { return static_cast<std::size_t>(next() % n); }
    /// Half of all faults strike within the first sixteen steps, and one in a hundred after more
    /// than a thousand, because scenarios may be of any length.
    bool strikes(std::size_t steps) override { return choose(steps + 16) == 0; }

private:
    std::uint64_t next() noexcept;

    std::uint64_t state_;
};

} // namespace weir::sim
