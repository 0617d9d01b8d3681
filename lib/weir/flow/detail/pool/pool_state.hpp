#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/flow/detail/pool/id_source.hpp>
#include <weir/flow/detail/pool/stuck_watch.hpp>
#include <weir/flow/detail/pool/worker.hpp>
#include <weir/flow/drain_report.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/pool_options.hpp>
#include <weir/flow/pool_stats.hpp>
#include <weir/sync/limit.hpp>
#include <weir/sync/wait_group.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace weir::detail {

void add(ledger& sum, status s, std::uint64_t n) noexcept;

/// The part of a pool that does not depend on the type of its jobs: who works, when they end, and
/// the accounts.
class pool_state : public std::enable_shared_from_this<pool_state> {
public:
    pool_state(std::vector<boost::asio::any_io_executor> executors, const pool_options& options);
    virtual ~pool_state();

    const pool_options& options() const noexcept { return options_; }
    const boost::asio::any_io_executor& first_executor() const noexcept
    {
        return executors_.front();
    }

    const std::vector<boost::asio::any_io_executor>& executors() const noexcept
    {
        return executors_;
    }

    /// Brings the workers to the limit. Once after construction.
    void start_workers();
    /// From any thread: more workers at once; fewer as they end their jobs.
    void resize(limit workers);
    limit workers() const noexcept { return limit::of_count(target_.load()); }

    void close();
    /// From any thread: what has not started is dropped, what runs is cancelled.
    void stop(cancel_reason reason);
    cancel_reason stopping() const noexcept { return stopping_.load(); }

    boost::asio::awaitable<drain_report> drain(duration limit);

    ledger read() const;
    pool_stats stats() const;
    /// `said` may be null.
    ticket next_ticket(const job_options* said)
    {
        ticket job(ids_.next());
        if (said != nullptr || options_.takes_timings())
            describe(job, said);
        return job;
    }
    void reject() noexcept { rejected_.fetch_add(1, std::memory_order_relaxed); }

    virtual void close_intake() noexcept = 0;
    virtual void close_results() noexcept = 0;

protected:
    /// Jobs never suspend: an executor is done with one before it begins another, and more workers
    /// than executors would only wait for one another. Before `start_workers`.
    void one_worker_an_executor();

    /// Takes up the worker's next job. `ok`: it may run now. Otherwise how it ended without
    /// running. `now` need only be about right, where nobody asked for times.
    status take_up(worker& w, ticket& job, time_point now, bool may_suspend)
    {
        if (watches_ || job.record || stopping() != cancel_reason::none)
            return take_up_and_watch(w, job, may_suspend);
        w.begin(job, now);
        return status::ok;
    }
    /// The status of the job that has ended, whose outcome will say so.
    status conclude(worker& w, ticket& job, bool has_value)
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
    /// A worker has seen the end of the jobs.
    void end_of_jobs() noexcept;

    /// Where the next guest goes that was told nothing.
    const boost::asio::any_io_executor& next_executor() noexcept
    {
        return executors_[guests_come_.fetch_add(1, std::memory_order_relaxed) % executors_.size()];
    }
    /// Lets in a worker beside the others, with a job of its own. Empty when the pool is closed.
    std::optional<presence> enter_guest(worker_pointer w);
    job_counters& guests_tally() noexcept { return guests_tally_; }

    /// Counts a job that ended outside any worker. Any thread.
    void count_elsewhere(status s) noexcept;
    /// A job that ended because the pool was being closed down, for the report.
    void note_unfinished(const ticket& job, status s, std::optional<duration> age);
    std::optional<duration> age_of_waiting(const ticket& job) const;

private:
    friend class presence;

    virtual std::uint64_t accepted() const noexcept = 0;
    virtual bool jobs_ended() const noexcept = 0;
    /// Nobody will take the jobs that wait: each is dropped, with an outcome.
    virtual void drop_waiting() noexcept = 0;
    virtual void measure(pool_stats& stats) const = 0;
    virtual worker_pointer make_member(boost::asio::any_io_executor executor) = 0;
    /// One without a job, at the executor of another.
    virtual worker_pointer make_guest_beside(const worker& w) = 0;
    virtual void start_worker(presence here) = 0;
    /// The ticket of the job a worker is at.
    virtual ticket& job_of(worker& w) noexcept = 0;
    /// Publishes that the worker's job was given up; where that has to wait, `beside` does, a guest
    /// at the same executor.
    virtual void tell_given_up(presence beside, worker& given_up) = 0;
    /// The context destroyed a worker in the middle of a job.
    virtual void torn_down(worker& w) noexcept = 0;
    /// The same between two jobs, or before the first: what it has at hand is told of.
    virtual void empty_hands(worker& w) noexcept = 0;

    void describe(ticket& job, const job_options* said);
    presence enter(worker_pointer w);
    status take_up_and_watch(worker& w, ticket& job, bool may_suspend);
    void account(worker& w, ticket& job, status s, time_point started);
    bool leave_if_too_many(worker& w) noexcept;
    presence enter_member();
    void no_longer_live(worker& w) noexcept;
    std::size_t wanted() const noexcept
    {
        return std::min(target_.load(std::memory_order_relaxed), useful_);
    }
    void left(worker& w) noexcept;
    worker_list& list_of(const worker& w) noexcept { return w.is_guest() ? guests_ : members_; }
    void watch(worker& w, time_point over);
    void watch_for_stuck_jobs();
    static const time_service& clock_of(const worker& w)
    {
        return time_service::of(w.get_executor());
    }
    void give_up(worker& w);
    void ensure_somebody();
    template <class Do>
    void on_each_worker(Do what);
    boost::asio::awaitable<bool> all_left(duration limit);

    const pool_options options_;
    const bool watches_; // each job has a time-out
    std::vector<boost::asio::any_io_executor> executors_;
    std::vector<std::size_t> live_at_; // of each executor; under the mutex
    std::size_t useful_ =
        std::numeric_limits<std::size_t>::max(); // more workers than that would not help
    wait_group workers_left_; // the workers, and one until the end of the jobs was seen
    std::atomic<cancel_reason> stopping_{cancel_reason::none};
    std::atomic<bool> closing_{false};
    std::atomic<bool> ended_{false};
    id_source ids_;
    std::atomic<std::uint64_t> rejected_{0};
    std::atomic<std::size_t> target_;
    std::atomic<std::size_t> live_{0}; // members that take jobs; changed under the mutex
    mutable std::mutex mutex_;
    worker_list members_;
    worker_list guests_;
    std::atomic<std::size_t> guests_come_{0};
    job_counters guests_tally_{job_counters::writers::several};
    ledger past_; // of members that are gone
    std::deque<unfinished_job> unfinished_;
    std::array<std::atomic<std::uint64_t>, statuses> elsewhere_{};
    histogram_recorder queue_wait_; // under their mutex: only where timings are taken
    histogram_recorder run_time_;
    mutable std::mutex histograms_;
    std::atomic<std::uint64_t> stuck_jobs_{0};
    std::unique_ptr<stuck_watch> stuck_; // last: its thread looks at all the above
};

} // namespace weir::detail
