#pragma once

#include <weir/duration.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace weir {

/// Keeps retries from making an outage worse: what many callers share, and may spend on retries.
/// While most first attempts succeed, every failure can be retried; when they stop succeeding,
/// retries stop too, and the load on the far side stays near what it was.
///
/// Shape: the interface; `sliding_retry_budget` is the one to use unless you have your own rule,
///        perhaps one shared by several processes. Share it through a `std::shared_ptr`.
/// Threads: an implementation is safe from any thread, and does not wait.
class retry_budget {
public:
    retry_budget() = default;
    retry_budget(const retry_budget&) = delete;
    retry_budget& operator=(const retry_budget&) = delete;
    virtual ~retry_budget() = default;

    /// A first attempt succeeded at `now`. The success of a retry says nothing about the load that
    /// the far side can carry, and deposits nothing.
    virtual void deposit(time_point now) noexcept = 0;

    /// Whether a retry may be made: asked at `now`, before it waits for its backoff. What was
    /// withdrawn is not given back, even when the retry is cancelled before it begins.
    virtual bool try_withdraw(time_point now) noexcept = 0;
};

/// Options of a `sliding_retry_budget`.
class retry_budget_options {
public:
    retry_budget_options() {}

    /// Retries allowed for each success of a first attempt. At least 0, default 0.2: with it, a far
    /// side that fails completely gets a fifth more load, and not a multiple.
    retry_budget_options& ratio(double retries);
    /// Retries allowed in each window whatever succeeds. Default 10, so that a client with a
    /// request a minute can retry too; 0 is allowed.
    retry_budget_options& floor(std::size_t retries);
    /// How long a success counts. Default 10 seconds: longer than a hiccup, and short enough for
    /// the savings of a good hour not to be spent on the outage after it.
    retry_budget_options& window(duration length);

    double ratio() const noexcept { return ratio_; }
    std::size_t floor() const noexcept { return floor_; }
    duration window() const noexcept { return window_; }

private:
    double ratio_ = 0.2;
    std::size_t floor_ = 10;
    duration window_ = std::chrono::seconds(10);
};

/// A budget over a sliding window: whenever a retry is allowed, the retries of the last `window`,
/// this one included, are at most `ratio` times the successes of first attempts in it, plus
/// `floor`. Between retries that need not hold: successes leave the window before the retries that
/// they allowed.
///
/// Units: the window moves in tenths. A retry counts for up to a tenth longer than the window, and
///        a success for up to a tenth less, so that the bound holds at each retry allowed, whenever
///        that is.
/// Threads: safe from any thread. A `now` that is behind that of another thread counts as that one.
/// Memory: 17 counters and a mutex.
/// Source: RetryBudget of Twitter's Finagle, whose default ratio, floor and window these are. There
///         every request deposits; here a success of a first attempt does, so that requests to a
///         far side that is down save up nothing.
class sliding_retry_budget final : public retry_budget {
public:
    explicit sliding_retry_budget(retry_budget_options options = retry_budget_options());

    void deposit(time_point now) noexcept override;
    bool try_withdraw(time_point now) noexcept override;

    const retry_budget_options& options() const noexcept { return options_; }
    /// How many retries were allowed, and how many refused.
    std::uint64_t withdrawn() const noexcept;
    std::uint64_t refused() const noexcept;

private:
    static constexpr std::size_t parts = 10;

    struct part {
        std::uint64_t deposits = 0;
        std::uint64_t retries = 0;
    };

    void move_to(time_point now) noexcept;
    part& newest() noexcept { return parts_[static_cast<std::size_t>(newest_ % ring)]; }

    static constexpr std::uint64_t ring = parts + 1;

    const retry_budget_options options_;
    const duration length_; // of a part
    mutable std::mutex mutex_;
    std::array<part, ring> parts_;
    std::uint64_t newest_ = 0; // the number of the newest part
    bool begun_ = false;
    part sum_; // deposits of the newest ten parts, retries of all eleven
    std::uint64_t withdrawn_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace weir
