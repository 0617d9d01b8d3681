#pragma once

#include <weir/duration.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/sync/limit.hpp>
#include <weir/sync/overflow.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace weir {
namespace detail {
class job_limits;
class job_watch;
class pool_state;
struct limit_options;
struct pool_threads;
} // namespace detail

class breaker_options;
class rate;
class retry_policy;

/// A job that blocks its thread past its timeout and grace. Reported from a thread of the pool's
/// own.
struct stuck_job {
    job_id id = 0;
    /// From its `job_options`.
    std::string name;
    /// How long it has been running.
    duration age{};
};

/// How a pool is made: a `worker_pool` or a `task_pool`. Each setter returns the object, so that
/// calls can be chained.
class pool_options {
public:
    /// How many jobs run at a time. No default: for jobs that compute, about the number of cores;
    /// for jobs that wait, what the other side can bear. `paused` runs none until the limit is
    /// changed. `unlimited` is for a `task_pool` only, for in a `worker_pool` each worker is a
    /// coroutine.
    explicit pool_options(limit workers);

    /// How many jobs may wait. Default 1,024: deep enough to keep workers busy while a submitter
    /// waits for its turn, shallow enough for submitters to notice a burst. With 0 each job goes
    /// directly from a submitter to a worker.
    pool_options& queue(std::size_t capacity);

    /// What happens to a job that finds the queue full. Default `overflow::wait`: nothing is lost,
    /// and back-pressure reaches the submitter.
    pool_options& when_full(overflow rule);

    /// How many outcomes may wait to be received. Default 1,024. While they are not received,
    /// workers wait, then the queue fills, then submitters wait: nothing piles up.
    pool_options& results(std::size_t capacity);

    /// Outcomes are counted in the ledger and not delivered: for jobs that are run for their
    /// effect. `results()` is then closed from the start.
    pool_options& discard_results();

    /// How long a job may run, from its start. Then it is cancelled. Default: no limit. For
    /// coroutine jobs: a plain callable cannot be interrupted.
    pool_options& timeout(duration length);

    /// How long a job may take to end that its timeout, its deadline or a drain has cancelled,
    /// before it is abandoned; one that a user cancels is not. Default one second: long enough to
    /// close a connection in good order, short enough for a shutdown.
    pool_options& grace(duration length);

    /// Records when each job is queued, started and finished: for its outcome, the histograms, and
    /// the ages in a drain's report. Default off: a look at the clock costs about as much as a
    /// trivial job, and each job costs one allocation more.
    pool_options& timings();

    /// Called once for each job that blocks its thread past its timeout and grace. A plain callable
    /// can do that, and a coroutine that does not suspend; nothing on that thread can end it. Such
    /// work belongs on a `blocking_lane`. A pool without a `timeout` refuses it with
    /// `std::invalid_argument`: there would be no time to be past. The callback runs on a thread of
    /// the pool's own, which exists only if this is set; it must not throw, nor destroy the pool.
    pool_options& on_stuck(std::function<void(const stuck_job&)> report);

    /// Allows a plain handler on fewer threads than workers: on runners it runs one at a time on
    /// each, however many workers there are. Right for jobs that compute. Without this, a pool of
    /// more workers than threads refuses a plain handler: jobs that block would run no more at a
    /// time than there are threads. Known are the threads of runners, strands and a `thread_pool`;
    /// any other executor counts as one. Default off.
    pool_options& inline_on_runners();

    /// Jobs block their thread: the pool has threads of its own for them, one per worker, whatever
    /// executors it is given. `resize` to more is refused; a pool made `paused` gets one thread.
    /// Default off.
    pool_options& blocking();

    /// Each outcome of a worker pool has its job, for another attempt: `outcome::job`. Default off:
    /// it costs a copy of the job and two allocations.
    pool_options& keep_jobs();

    /// Refuses a job at once, with `errc::not_in_time`, when others are queued and it would
    /// probably not end by its deadline. A job that would only be dropped later takes no place, and
    /// its submitter can still ask elsewhere. An estimate: the time that the queue has been taking
    /// from one start to the next, for each job that is queued and this one, and the time that jobs
    /// have been running (averages, in which each counts for an eighth); no less than `rate`
    /// allows. It knows nothing of keys. Default off.
    ///
    /// Memory: each job costs one allocation more, and a look at the clock when it is submitted.
    pool_options& reject_late();

    /// How many jobs of one key run at a time (`job_options::key`); those without a key belong to
    /// none. Keys take turns: when one has many jobs waiting, the next job of another need not wait
    /// for them. A job that waits for its key holds no worker.
    ///
    /// This and the limits below are for the pool's own queue, where submitters wait or are
    /// rejected: the other rules of `when_full` are refused with `std::invalid_argument`, as are
    /// Asio's channels. A pool that has any of them bounds what waits by places: a job has one from
    /// its acceptance to its end, and there are as many as `queue` and workers together (as
    /// `queue`, when workers are unlimited). Each job costs three allocations more. Default: none.
    pool_options& per_key(limit running);

    /// The share of the places that the jobs of one key may take: above 0, up to 1, and at least
    /// one place. Beyond it, the submitters of that key wait, or get `errc::full`, while those of
    /// other keys are accepted. A single submitter that waits for each of its submits stops with
    /// the first key that has no place left: let it use `try_submit`, or have one submitter per
    /// key. Default 1: all of them.
    pool_options& key_share(double share);

    /// How many bytes the accepted jobs may hold together, from their acceptance to their end, by
    /// what `job_options::bytes` says. A job above it is refused with `errc::too_large`. Default:
    /// no limit.
    pool_options& bytes(limit most);

    /// How many jobs start in a time, and how many at once: in any window no more than the burst
    /// and what the rate makes of the window. Each attempt counts, when it is given to a free
    /// worker; on a thread that something else keeps busy it starts when that is over. Default: no
    /// limit.
    pool_options& rate(const weir::rate& starts, std::uint64_t burst);

    /// A job that failed is run again, as the policy says. Meanwhile it waits, holding its place
    /// and nothing else; `timeout` is for each attempt, its deadline for all of them. What was
    /// cancelled is never run again, and what timed out only if the policy says so. `drain` waits
    /// for attempts that begin before its limit; a job whose next one would be later ends as
    /// `failed`, with the error that it has, and so do those that wait when the pool stops. A
    /// handler must be callable with `Job&`, for the job must be there again; a task's callable is
    /// called again. Default: each job has one attempt.
    pool_options& retry(const retry_policy& policy);

    /// When jobs of a key keep failing, others of it are not run in their turn: they end as
    /// `failed`, with `errc::breaker_open`, until the breaker tries again. Those without a key
    /// count as one key. Default: none.
    pool_options& breaker(const breaker_options& options);

    limit workers() const noexcept { return workers_; }
    std::size_t queue() const noexcept { return queue_; }
    overflow when_full() const noexcept { return when_full_; }
    std::size_t results() const noexcept { return results_; }
    bool discards_results() const noexcept { return discard_results_; }
    duration timeout() const noexcept { return timeout_; }
    duration grace() const noexcept { return grace_; }
    bool takes_timings() const noexcept { return timings_; }
    bool runs_inline() const noexcept { return inline_; }
    bool is_blocking() const noexcept { return blocking_threads_ != nullptr; }
    bool keeps_jobs() const noexcept { return keep_jobs_; }
    bool rejects_late() const noexcept { return reject_late_; }
    const std::function<void(const stuck_job&)>& on_stuck() const noexcept { return on_stuck_; }
    /// Whether it has any limit besides workers.
    bool has_limits() const noexcept { return make_limits_ != nullptr; }
    /// Whether jobs may be run again.
    bool retries() const noexcept { return retries_; }

private:
    friend class detail::pool_state;

    detail::limit_options& change_limits();

    limit workers_;
    std::size_t queue_ = 1024;
    overflow when_full_ = overflow::wait;
    std::size_t results_ = 1024;
    bool discard_results_ = false;
    duration timeout_ = duration::max();
    duration grace_ = std::chrono::seconds(1);
    bool timings_ = false;
    bool inline_ = false;
    bool keep_jobs_ = false;
    bool reject_late_ = false;
    // Makes the threads of a pool of blocking jobs.
    detail::pool_threads (*blocking_threads_)(const pool_options&) = nullptr;
    std::function<void(const stuck_job&)> on_stuck_;
    // Set together with it.
    std::shared_ptr<detail::job_watch> (*watch_)(detail::pool_state&) = nullptr;
    bool retries_ = false;
    std::shared_ptr<const detail::limit_options> limits_;
    // Set together with them.
    std::shared_ptr<detail::job_limits> (*make_limits_)(detail::pool_state&,
                                                        const detail::limit_options&) = nullptr;
};

} // namespace weir
