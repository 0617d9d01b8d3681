#pragma once

#include <weir/detail/list.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/detail/time_service.hpp>
#include <weir/flow/detail/pool/id_source.hpp>
#include <weir/flow/detail/pool/job_counters.hpp>
#include <weir/flow/detail/pool/job_limits.hpp>
#include <weir/flow/detail/pool/pool_accounts.hpp>
#include <weir/flow/detail/pool/worker.hpp>
#include <weir/flow/drain_report.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/pool_options.hpp>
#include <weir/flow/pool_stats.hpp>
#include <weir/sync/limit.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace weir {
class runner_pool;
} // namespace weir

namespace weir::detail {

class task_base;

/// Throws `std::invalid_argument` when there is no limit: each worker is a coroutine.
limit bounded(limit workers);

/// Threads of a pool's own. Shared only so that a pool that has none does not link them.
struct pool_threads {
    std::shared_ptr<runner_pool> runners;
    std::vector<boost::asio::any_io_executor> executors;
};

/// One a core for coroutines, one a worker for jobs that keep theirs.
pool_threads own_threads(const pool_options& options, bool for_coroutines);

/// Sees which jobs block their thread; made by `on_stuck`.
class job_watch {
public:
    job_watch() = default;
    job_watch(const job_watch&) = delete;
    job_watch& operator=(const job_watch&) = delete;
    virtual ~job_watch() = default;

    /// A worker whose jobs it sees. Not in the pool yet.
    virtual worker_pointer new_worker(pool_state& state, worker::role role,
                                      boost::asio::any_io_executor home) = 0;
};

/// All of a pool that does not depend on the types of its jobs: which workers there are and when
/// they come and go, whether a job may start, its timeout, how the pool closes, stops and drains,
/// and the accounts.
///
/// `pool_queues` adds the queues, and `worker_loop` what a worker does.
class pool_state : public std::enable_shared_from_this<pool_state> {
public:
    using executor_type = boost::asio::any_io_executor;

    [[gnu::cold]] pool_state(std::vector<executor_type> executors, const pool_options& options);
    [[gnu::cold]] virtual ~pool_state();

    const executor_type& get_executor() const noexcept { return executors_.front(); }
    /// The first, for handlers that have none; the pool's tasks share it.
    const std::shared_ptr<const own_any_executor>& home() const noexcept { return home_; }
    const std::vector<executor_type>& executors() const noexcept { return executors_; }
    /// The user promises that the executors are serial, with a queue that asks for it.
    void assume_serial_executors() noexcept { serial_.assign(serial_.size(), true); }
    const pool_options& options() const noexcept { return options_; }

    /// Brings the workers to the limit. Once after construction.
    [[gnu::cold]] void start_workers();
    /// From any thread: more workers at once, fewer as they end their jobs.
    [[gnu::cold]] void resize(limit workers);
    limit workers() const noexcept { return limit::of_count(target_.load()); }
    /// How many jobs are accepted at a time, at least one.
    [[gnu::cold]] limit places() const noexcept;

    /// From any thread, as the following.
    [[gnu::cold]] void close();
    /// What has not started is dropped, what runs is cancelled.
    [[gnu::cold]] void stop(cancel_reason reason);
    cancel_reason stopping() const noexcept { return stopping_.load(); }
    /// Closes and waits for `timeout`; then cancels and waits for the grace; then abandons what
    /// runs, and hands outcomes that are not received to the hook.
    boost::asio::awaitable<drain_report> drain(duration timeout)
    {
        return drain(shared_from_this(), timeout);
    }

    /// The same on the calling thread, which blocks. Throws `std::logic_error` on a thread that
    /// runs one of the pool's executors.
    drain_report drain_and_wait(duration timeout);

    /// The jobs that run now, up to `most` of them.
    std::vector<running_job> running_jobs(std::size_t most) const;
    bool is_closed() const noexcept { return closing_.load(); }

    ledger read() const;
    pool_stats stats() const;

    /// Whether each job has a record, which is allocated when the job is numbered.
    bool has_records() const noexcept { return has_records_; }
    /// Numbers a job. `options` may be null.
    ticket next_ticket(const job_options* options)
    {
        ticket job(ids_.next());
        if (options != nullptr || has_records_)
            describe(job, options);
        return job;
    }
    void reject() noexcept { accounts_.reject(); }
    /// Whether jobs are looked at before they are taken in: by limits, or because late ones are
    /// rejected.
    bool checks_submits() const noexcept { return checks_submits_; }
    /// Whether it would probably end too late behind so many others: for pools that refuse that.
    bool is_late(const ticket& job, std::size_t ahead) const
    {
        return options_.rejects_late() && job.deadline() != time_point::max() &&
               ends_late(job, ahead);
    }

    /// From any thread: cancels the job that this task is, if it runs.
    void cancel_running(const task_base& task);

    virtual void close_results() noexcept = 0;

    // ---- limits besides the number of workers

    /// Null when there are none.
    job_limits* limits() const noexcept { return limits_.get(); }
    /// Whether there is room where jobs are handed over, which are then as good as started.
    virtual bool has_room() const noexcept = 0;
    /// How many jobs workers can run at a time.
    std::size_t useful_workers() const noexcept { return wanted(); }
    /// One whose context is there, if any.
    executor_type any_executor() const;
    /// The limits are closed, and will hand over no more.
    void last_job_ended() noexcept;

    /// Starts a thread that looks for stuck jobs, until what is returned is destroyed. Named only
    /// by `pool_options::on_stuck`, so that only programs that use it link the watch.
    static std::shared_ptr<job_watch> watch_for_stuck_jobs(pool_state& state);
    /// Cancels the worker's job with its token. Named only by `job_options::token`, likewise.
    static void listen_to_token(worker& w);
    /// For jobs that block their thread, one thread per worker. Named only by
    /// `pool_options::blocking`, likewise.
    static pool_threads threads_for_blocking(const pool_options& options)
    {
        return options.blocking_threads_(options);
    }

protected:
    /// For jobs that never suspend: an executor runs one to its end before it begins the next, so
    /// more workers than executors would only wait for one another. Before `start_workers`.
    [[gnu::cold]] void one_worker_per_executor();
    /// Throws `std::invalid_argument` when so many workers could not run at a time, unless the
    /// options say that this is meant.
    [[gnu::cold]] void check_enough_threads(limit workers) const;

    /// The worker is about to run a job. `ok`: it may. Otherwise how the job ended without running.
    /// `now` need only be about right where no times are taken.
    status begin_job(worker& w, ticket& job, time_point now, bool may_suspend)
    {
        if (has_timeout_ || job.record || stopping() != cancel_reason::none)
            return begin_checked_job(w, job, may_suspend);
        w.begin(job, now);
        return status::ok;
    }
    /// The job was cancelled before a worker took it. Returns how it ended.
    status end_unstarted(worker& w, ticket& job, time_point now, cancel_reason reason);
    /// The job has ended. Returns the status that its outcome will have.
    status end_job(worker& w, ticket& job, bool has_value)
    {
        const time_point started = w.started();
        const status s = w.end(has_value);
        if (job.record || s == status::cancelled)
            account(w, job, s, started);
        return s;
    }

    /// Whether there are more workers than there may be, and this one is to leave.
    bool should_leave(worker& w) noexcept
    {
        return live_.load(std::memory_order_relaxed) > wanted() && leave_if_too_many(w);
    }
    /// A worker has seen the end of the queue.
    [[gnu::cold]] void end_of_jobs() noexcept;

    /// A temporary worker, not in the pool yet. Its executor is made serial; without one it is one
    /// of the pool's. Null when the pool has none any more.
    worker_pointer new_temporary(executor_type where);
    /// How many workers share what is queued.
    std::size_t takers() const noexcept
    {
        const std::size_t live = live_.load(std::memory_order_relaxed);
        return live == 0 ? 1 : live;
    }
    /// Lets a temporary worker in, with its job. Empty when the pool is closed.
    std::optional<worker_guard> enter_temporary(worker_pointer w);
    job_counters& temporary_counters() noexcept { return temporary_counters_; }

    /// The same for a job that was accepted before: also while the pool is being closed.
    worker_guard enter_for_accepted(worker_pointer w);
    /// `run` on the worker's executor, never inside this call: its first job would run on the stack
    /// of the submitter, which may be a job itself.
    void start(worker_guard here);

    /// Keeps the pool from ending while accepted jobs are on their way from the queue to workers
    /// of their own.
    class moving_jobs {
    public:
        explicit moving_jobs(pool_state& owner) noexcept : owner_(owner)
        {
            owner_.workers_left_.add();
        }
        moving_jobs(const moving_jobs&) = delete;
        moving_jobs& operator=(const moving_jobs&) = delete;
        ~moving_jobs() { owner_.jobs_moved(); }

    private:
        pool_state& owner_;
    };

    /// A job that a drain drops.
    void note_dropped(const ticket& job)
    {
        accounts_.note_unfinished(job.id, job.record.get(), status::dropped, time_queued(job));
    }

    /// An attempt failed. When there is to be another: the worker is done with this one, and the
    /// job must be put to sleep until then.
    std::optional<time_point> end_attempt(worker& w, const ticket& job,
                                          const std::exception_ptr& error);
    /// The task that the worker ran sleeps: until it is begun again, nothing must look for its
    /// worker.
    void no_longer_runs(task_base& task);
    /// An accepted job ends outside any worker. Returns how.
    status end_elsewhere(const ticket& job) noexcept;

    /// Counts a job that ended outside any worker. Any thread.
    void count_elsewhere(status s) noexcept { accounts_.count(s); }

private:
    class place;
    friend class worker_guard;
    friend class stuck_jobs;

    virtual void close_jobs() noexcept = 0;
    virtual bool jobs_ended() const noexcept = 0;
    virtual std::uint64_t accepted() const noexcept = 0;
    /// There are no workers left to take what is queued: each job is dropped, with an outcome.
    virtual void drop_queued() noexcept = 0;
    /// The same at the end of a drain, whose report names them.
    virtual void drop_unfinished() = 0;
    virtual void measure(pool_stats& stats) const = 0;
    /// A temporary one is made without a job.
    virtual worker_pointer make_worker(worker::role role, executor_type executor) = 0;
    /// Starts the worker, on its executor.
    virtual void run(worker_guard here) = 0;
    /// Publishes the outcome of the worker's job. Where that has to wait, `beside` does, a
    /// temporary worker on the same executor.
    virtual void publish_abandoned(worker_guard beside, worker& w) = 0;
    /// The context destroyed the worker, `in_a_job` or between two: what it has taken gets its
    /// outcomes.
    virtual void lost(worker& w, bool in_a_job) noexcept = 0;

    /// Not in the pool yet.
    worker_pointer new_worker(worker::role role, executor_type home);
    /// The same, at one of the pool's executors: there where that is serial, else in a strand of
    /// its own. The context is not destroyed before the worker has started. Null when that has
    /// begun.
    worker_pointer new_worker_at(std::size_t index, worker::role role);
    void describe(ticket& job, const job_options* options);
    worker_guard enter(worker_pointer w);
    [[gnu::cold]] std::optional<worker_guard> enter_resident();
    void left(worker& w) noexcept;
    void no_longer_live(worker& w) noexcept;
    void jobs_moved() noexcept;
    [[gnu::cold]] bool leave_if_too_many(worker& w) noexcept;
    [[gnu::cold]] void ensure_one_worker();
    [[gnu::cold]] bool has_place() const noexcept;
    bool is_there(std::size_t index) const noexcept;
    [[gnu::cold]] void executor_gone(std::size_t index) noexcept;
    std::size_t wanted() const noexcept
    {
        const std::size_t target = target_.load(std::memory_order_relaxed);
        return target < useful_ ? target : useful_;
    }
    list<worker>& list_of(const worker& w) noexcept
    {
        return w.is_temporary() ? temporaries_ : residents_;
    }
    [[gnu::cold]] void on_each_worker(void (*what)(pool_state&, worker&));
    /// Keeps the state from the call on: the pool may be gone when the coroutine starts.
    static boost::asio::awaitable<drain_report> drain(std::shared_ptr<pool_state> pool,
                                                      duration timeout);
    boost::asio::awaitable<bool> all_left(duration timeout);
    boost::asio::awaitable<void> abandon_all();
    bool runs_on_this_thread() const;

    status begin_checked_job(worker& w, ticket& job, bool may_suspend);
    [[gnu::cold]] void release(const job_record* job, status s) noexcept;
    static void timed_out(void* busy);
    void set_timeout(worker& w, time_point at);
    [[gnu::cold]] void abandon(worker& w);
    void account(worker& w, ticket& job, status s, time_point started);
    [[gnu::cold]] bool ends_late(const ticket& job, std::size_t ahead) const;
    std::optional<duration> time_queued(const ticket& job) const;
    time_point current_time() const;

    const pool_options options_;
    const bool checks_submits_ = options_.rejects_late() || options_.has_limits();
    const bool has_timeout_;
    const bool has_records_;               // of each job
    std::vector<executor_type> executors_; // empty are those whose context is gone
    std::shared_ptr<const own_any_executor> home_;
    std::vector<char> serial_;         // whether each of them is, as far as is known
    bool always_on_thread_ = false;    // no job suspends
    std::vector<std::size_t> live_at_; // of each executor; under the mutex
    std::size_t useful_ = std::numeric_limits<std::size_t>::max(); // more workers would not help
    // That plain jobs can have at a time.
    std::size_t threads_ = std::numeric_limits<std::size_t>::max();
    wait_group workers_left_; // the workers, and one until the end of the jobs was seen
    std::atomic<cancel_reason> stopping_{cancel_reason::none};
    std::atomic<bool> closing_{false};
    std::atomic<bool> ended_{false};
    id_source ids_;
    std::atomic<std::size_t> target_;
    std::atomic<std::size_t> live_{0}; // residents that take jobs; changed under the mutex
    mutable std::mutex mutex_;
    list<worker> residents_;
    list<worker> temporaries_;
    std::atomic<std::size_t> next_{0};
    job_counters temporary_counters_{job_counters::writers::several};
    ledger past_; // of residents that are gone
    pool_accounts accounts_;
    std::shared_ptr<job_limits> limits_; // if there are any
    bool limits_started_ = false;
    std::vector<std::unique_ptr<place>> places_; // of the executors
    std::shared_ptr<job_watch> stuck_;           // last: its thread looks at all the above
};

} // namespace weir::detail
