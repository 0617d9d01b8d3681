#pragma once

#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir::detail {

inline constexpr std::size_t statuses = 6;

/// Adds `n` jobs that ended this way.
void add(ledger& sum, status s, std::uint64_t n) noexcept;

/// Counts what becomes of jobs: of one worker's, or of those that temporary workers run.
class job_counters {
public:
    enum class writers { one, several };

    explicit job_counters(writers w) noexcept : several_(w == writers::several) {}

    void started() noexcept { add(started_); }
    void ended(status s) noexcept { add(ended_[static_cast<std::size_t>(s)]); }
    void late() noexcept { add(late_); }

    /// In this order: what is read first can only have grown less.
    void add_ends_to(ledger& sum) const noexcept;
    void add_starts_to(ledger& sum) const noexcept
    {
        sum.started += started_.load(std::memory_order_acquire);
    }

private:
    void add(std::atomic<std::uint64_t>& counter) noexcept
    {
        if (several_)
            counter.fetch_add(1, std::memory_order_release);
        else
            counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    const bool several_;
    std::atomic<std::uint64_t> started_{0};
    std::array<std::atomic<std::uint64_t>, statuses> ended_{};
    std::atomic<std::uint64_t> late_{0};
};

} // namespace weir::detail
