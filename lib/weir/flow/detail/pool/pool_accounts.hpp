#pragma once

#include <weir/duration.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool/job_counters.hpp>
#include <weir/flow/detail/pool/queue_pace.hpp>
#include <weir/flow/drain_report.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/pool_stats.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace weir::detail {

/// What a pool records beside the counters of its workers: jobs that ended outside any worker, how
/// long jobs took, and which did not finish.
///
/// Threads: safe from any thread.
class pool_accounts {
public:
    void reject() noexcept { rejected_.fetch_add(1, std::memory_order_relaxed); }
    void found_stuck() noexcept { stuck_.fetch_add(1, std::memory_order_relaxed); }

    /// A job ended outside any worker.
    void count(status s) noexcept
    {
        elsewhere_[static_cast<std::size_t>(s)].fetch_add(1, std::memory_order_acq_rel);
    }
    void add_counts_to(ledger& sum) const noexcept;
    void add_rest_to(ledger& sum) const noexcept
    {
        sum.stuck = stuck_.load(std::memory_order_relaxed);
        sum.rejected = rejected_.load(std::memory_order_relaxed);
    }

    queue_pace& pace() noexcept { return pace_; }
    const queue_pace& pace() const noexcept { return pace_; }

    void add_times(const job_timings& times);
    void add_times_to(pool_stats& stats) const;

    /// A job ended because the pool was being closed down. The record may be null.
    void note_unfinished(job_id id, const job_record* record, status s,
                         std::optional<duration> age) noexcept;
    std::vector<unfinished_job> unfinished() const;

private:
    std::atomic<std::uint64_t> rejected_{0};
    std::atomic<std::uint64_t> stuck_{0};
    queue_pace pace_;
    std::array<std::atomic<std::uint64_t>, statuses> elsewhere_{};
    mutable std::mutex mutex_; // of all below
    std::vector<std::unique_ptr<const unfinished_job>> unfinished_;
    histogram_recorder queue_wait_;
    histogram_recorder run_time_;
};

} // namespace weir::detail
