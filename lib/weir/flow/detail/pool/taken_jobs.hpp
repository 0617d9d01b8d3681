#pragma once

#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool/fixed_vector.hpp>
#include <weir/flow/outcome.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace weir::detail {

/// The one job that a worker has taken. It is kept here and not in the coroutine, so that its
/// outcome can still be published when the coroutine is gone.
template <class Job>
struct taken_job {
    bool empty() const noexcept { return !item; }
    void put(numbered_job<Job>&& job) noexcept { item.emplace(std::move(job)); }
    numbered_job<Job>& current() noexcept { return *item; }

    std::optional<numbered_job<Job>> item;
};

/// Several jobs that a worker took in one go, and their outcomes, to be published in one go. Only
/// for jobs that never suspend, and several only while jobs take less than a microsecond each: what
/// is taken behind a slow job waits for it.
template <class Job, class R>
struct taken_jobs {
    /// Enough to make taking and publishing cheap, few enough to be done within microseconds.
    static constexpr std::size_t most = 16;

    bool empty() const noexcept { return begun == jobs.size(); }
    bool has_several() const noexcept { return jobs.size() - begun > 1; }
    void put(numbered_job<Job>&& job) noexcept { jobs.emplace_back(std::move(job)); }
    numbered_job<Job>& current() noexcept { return jobs[begun]; }
    void next() noexcept
    {
        if (++begun == jobs.size()) {
            jobs.clear();
            begun = 0;
        }
    }

    /// Destroys those that have ended, when others are left: their outcomes are to be published.
    void forget_ended()
    {
        fixed_vector<numbered_job<Job>, most> left;
        for (; begun < jobs.size(); ++begun)
            left.emplace_back(std::move(jobs[begun]));
        jobs.clear();
        begun = 0;
        while (jobs.size() < left.size())
            jobs.emplace_back(std::move(left[jobs.size()]));
    }

    /// The batch grows by one after each run of this many fast jobs: however often a slow one
    /// comes, at most about one job in a thousand was taken ahead and waits for it.
    static constexpr std::size_t to_earn_one = 1024;
    std::size_t share() const noexcept
    {
        const std::size_t earned = 1 + quick_in_a_row / to_earn_one;
        return earned < most ? earned : most;
    }
    /// After each job that was measured: whether the last look at the clock found jobs quick.
    /// After a slow job the batch is one again.
    void trust(bool quick) noexcept { quick_in_a_row = quick ? quick_in_a_row + 1 : 0; }

    fixed_vector<numbered_job<Job>, most> jobs;
    std::size_t begun = 0; // of the jobs; the next is the current one
    fixed_vector<outcome<R>, most> ended;
    std::size_t published = 0; // of those that ended
    std::size_t quick_in_a_row = 0;
};

} // namespace weir::detail
