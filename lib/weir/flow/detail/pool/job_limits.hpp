#pragma once

#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/flow/detail/job_record.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>

// What a pool's limits are to the pool. How they are kept is in limited_jobs.hpp, which only
// programs link that ask for one.

namespace weir::detail {

class task_base;

/// An accepted job that waits for its limits, its type erased.
class limited_job {
public:
    limited_job() = default;
    limited_job(const limited_job&) = delete;
    limited_job& operator=(const limited_job&) = delete;
    virtual ~limited_job() = default;

    virtual job_record& record() noexcept = 0;
    /// When it is one.
    virtual task_base* task() noexcept { return nullptr; }
    /// Puts it where workers take it from. There is room.
    virtual void hand_over() noexcept = 0;
    /// It will not start any more, and has its outcome here. `unfinished`: a drain's report names
    /// it.
    virtual void drop(bool unfinished) noexcept = 0;
};

/// A submitter that waits for a place.
class place_waiter {
public:
    place_waiter() = default;
    place_waiter(const place_waiter&) = delete;
    place_waiter& operator=(const place_waiter&) = delete;
    virtual ~place_waiter() = default;

    virtual job_record& record() noexcept = 0;
    /// It waits no more. These two on the submitter's executor, one after the other.
    virtual void admitted(error_code why_not) = 0;
    virtual void complete() = 0;
};

/// What holds jobs back, for a person to read.
struct what_holds_back {
    std::size_t in_line = 0;     // jobs that wait to be started
    std::size_t asleep = 0;      // jobs that wait for their next attempt
    std::size_t held_keys = 0;   // by a Retry-After
    std::size_t full_keys = 0;   // those with jobs in line that run as many as they may
    std::size_t broken_keys = 0; // those whose jobs the breaker refuses
    duration next_start{};       // until the rate allows one
};

/// Stands before the queue that a pool's workers take jobs from, when the pool has limits besides
/// the number of its workers. A job waits here until it may start; what is in that queue may.
///
/// Threads: safe from any thread. Calls `limited_job` outside locks.
class job_limits {
public:
    job_limits() = default;
    job_limits(const job_limits&) = delete;
    job_limits& operator=(const job_limits&) = delete;
    virtual ~job_limits() = default;

    /// Once, when the pool is there.
    virtual void start() = 0;

    // ---- submitters

    /// Takes a place for the job, and makes its claims; or says why there is none.
    virtual error_code try_admit(job_record& job) = 0;
    /// The same, and waits for a place, until the job's deadline at the latest. Throws when there
    /// is no memory, and then leaves the waiter where it is.
    virtual void async_admit(std::unique_ptr<place_waiter>& waiter,
                             const boost::asio::any_io_executor& executor,
                             boost::asio::cancellation_slot slot) = 0;
    /// The job was admitted, and is accepted from here on. On error, the limits were closed
    /// meanwhile or there is no memory; it is not accepted, and `job` is as it was.
    virtual error_code add(std::unique_ptr<limited_job>& job) noexcept = 0;

    // ---- workers

    /// An attempt failed with this error. When there may be another, says when; the caller must put
    /// the job to `sleep`.
    virtual std::optional<time_point> next_attempt(const job_record& job,
                                                   const std::exception_ptr& error) = 0;
    /// The job gives back what it holds but its place, until then.
    virtual void sleep(std::unique_ptr<limited_job> job, time_point until) noexcept = 0;
    /// A worker has taken the job. True: it was started before, and slept since.
    virtual bool taken(job_record& job) noexcept = 0;

    enum class verdict { succeeded, failed, unknown };
    /// The job has ended, and gives back all it holds.
    virtual void ended(const job_record& job, verdict how) noexcept = 0;

    /// The task was asked to end: if it waits here, it goes to a free worker, and ends there.
    virtual void cancelled(task_base& task) noexcept = 0;

    // ---- the pool

    /// No job is added any more. When the last one has ended, `pool_state::last_job_ended` is
    /// called.
    virtual void close() noexcept = 0;
    /// Jobs that would sleep longer do not: they end with the error that they have.
    virtual void finish_by(time_point limit) noexcept = 0;
    /// All that waits is handed over: for the workers of a pool that stops, which end it.
    virtual void let_all_go() noexcept = 0;
    /// There are no workers left: ends what waits.
    virtual void drop_all(bool unfinished) noexcept = 0;
    virtual what_holds_back looked_at() const = 0;
    /// The limit of workers has changed.
    virtual void resized() = 0;
    /// There may be more to hand over, or another executor must be found to wait on.
    virtual void look_again() noexcept = 0;

    virtual std::uint64_t accepted() const noexcept = 0;
    /// Between two starts, by the rate.
    virtual duration least_interval() const noexcept = 0;
    /// How many jobs in line would start before a newcomer of a key that has room.
    virtual std::size_t ahead() const noexcept = 0;
    /// In line: not started yet, or about to start again.
    virtual std::size_t waiting() const noexcept = 0;
    virtual std::size_t sleeping() const noexcept = 0;
    virtual std::size_t waiting_submitters() const noexcept = 0;
    virtual std::uint64_t retried() const noexcept = 0;
};

} // namespace weir::detail
