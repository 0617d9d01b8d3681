#pragma once

#include <weir/duration.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/sync/limit.hpp>
#include <weir/sync/overflow.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace weir {

/// A job that blocks its thread past its time. Told by a thread of the pool's own.
struct stuck_job {
    job_id id = 0;
    /// As it was given when the job was submitted.
    std::string name;
    /// How long it has been running.
    duration age{};
};

/// How a pool is made. Each setter returns the object, so that they may be chained.
class pool_options {
public:
    /// How many jobs run at a time. No default: for jobs that compute it is about the number of
    /// cores, for jobs that wait it is what the other side can bear. `paused` runs none until the
    /// limit is changed. `unlimited` is for a `task_pool` alone: here a worker is a coroutine.
    explicit pool_options(limit workers);

    /// How many jobs may wait. Default 1,024: deep enough that workers are not kept waiting by a
    /// sender's turn, shallow enough that a burst is felt by who sends it. 0 hands each job from
    /// hand to hand.
    pool_options& queue(std::size_t capacity);

    /// What happens to a job that finds the queue full. Default `overflow::wait`: nothing is lost,
    /// and who brings too much feels it.
    pool_options& when_full(overflow rule);

    /// How many outcomes may wait to be received. Default 1,024. When nobody receives them the
    /// workers wait, then the queue fills, then submitters wait: nothing piles up.
    pool_options& results(std::size_t capacity);

    /// Outcomes are counted in the ledger and not delivered: for jobs run for what they do.
    /// `results()` is then closed from the start.
    pool_options& discard_results();

    /// How long a job may run, counted from its start. Default: no limit. Then it is cancelled. For
    /// coroutine jobs: a plain callable cannot be interrupted.
    pool_options& timeout(duration limit);

    /// How long a cancelled job may take to end before it is abandoned. Default one second: long
    /// enough for a connection to be closed in good order, short enough for a shutdown.
    pool_options& grace(duration length);

    /// Takes the time when each job is queued, started and finished: for its outcome, the
    /// histograms, and the ages in a drain's report. Default off: a look at the clock costs about
    /// as much as a trivial job, and there is one allocation more a job.
    pool_options& timings();

    /// Called once for each job that blocks its thread past its time-out and grace, which a plain
    /// callable may do, or a coroutine that does not suspend: nothing on that thread can end it.
    /// Needs a `timeout`. Called on a thread of the pool's own, which is there only if this is
    /// set; must not throw nor destroy the pool. Such work belongs on a `blocking_lane`.
    pool_options& on_stuck(std::function<void(const stuck_job&)> report);

    limit workers() const noexcept { return workers_; }
    std::size_t queue() const noexcept { return queue_; }
    overflow when_full() const noexcept { return when_full_; }
    std::size_t results() const noexcept { return results_; }
    bool discards_results() const noexcept { return discard_results_; }
    duration timeout() const noexcept { return timeout_; }
    duration grace() const noexcept { return grace_; }
    bool takes_timings() const noexcept { return timings_; }
    const std::function<void(const stuck_job&)>& on_stuck() const noexcept { return on_stuck_; }

private:
    limit workers_;
    std::size_t queue_ = 1024;
    overflow when_full_ = overflow::wait;
    std::size_t results_ = 1024;
    bool discard_results_ = false;
    duration timeout_ = duration::max();
    duration grace_ = std::chrono::seconds(1);
    bool timings_ = false;
    std::function<void(const stuck_job&)> on_stuck_;
};

} // namespace weir
