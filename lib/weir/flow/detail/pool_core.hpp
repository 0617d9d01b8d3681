#pragma once

#include <weir/flow/drain_report.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/worker_pool_options.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

namespace weir::detail {

class pool_core;

/// Counters with one writer: the worker's executor.
class alignas(64) tally {
public:
    void started() noexcept { add(started_); }
    void ended(status s) noexcept { add(ended_[static_cast<std::size_t>(s)]); }
    void late() noexcept { add(late_); }

    void add_ends_to(ledger& sum) const noexcept;
    void add_starts_to(ledger& sum) const noexcept
    {
        sum.started += started_.load(std::memory_order_acquire);
    }

private:
    static void add(std::atomic<std::uint64_t>& counter) noexcept
    {
        counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    std::atomic<std::uint64_t> started_{0};
    std::array<std::atomic<std::uint64_t>, 6> ended_{};
    std::atomic<std::uint64_t> late_{0};
};

/// One worker: a coroutine that takes jobs one after the other, and the job it is at. Touched on
/// its own executor, but for the tally.
class worker final : public job_context {
public:
    explicit worker(boost::asio::any_io_executor executor) : job_context(std::move(executor)) {}

    void begin(job_id id) noexcept;
    /// The status of a job that ended by itself, `error` being what it threw.
    status end(bool has_value) noexcept;
    /// Asks the job under way to end. The first reason stays.
    void cancel(cancel_reason reason);

    bool busy() const noexcept { return busy_; }
    /// Gave up on its job: it will never take another.
    bool retired() const noexcept { return retired_; }
    void retire() noexcept
    {
        retired_ = true;
        busy_ = false;
    }
    bool was_cancelled() const noexcept { return reason_ != cancel_reason::none; }

    boost::asio::cancellation_signal signal;
    alarm time_out;
    tally counts;
    bool present = false; // its coroutine exists; guarded by the pool's mutex

private:
    bool busy_ = false;
    bool retired_ = false;
};

/// What makes a worker's coroutine leave the pool however it ends, even if its context destroys it
/// before it ever ran.
class presence {
public:
    presence(std::shared_ptr<pool_core> pool, worker& w) noexcept
        : pool_(std::move(pool)), worker_(&w)
    {
    }
    presence(presence&&) noexcept = default;
    presence& operator=(presence&&) = delete;
    ~presence();

    worker& of() const noexcept { return *worker_; }

private:
    std::shared_ptr<pool_core> pool_;
    worker* worker_;
};

/// The part of a worker pool that does not depend on the type of its jobs.
class pool_core : public std::enable_shared_from_this<pool_core> {
public:
    pool_core(std::vector<boost::asio::any_io_executor> executors,
              const worker_pool_options& options);
    virtual ~pool_core() = default;

    const worker_pool_options& options() const noexcept { return options_; }
    const boost::asio::any_io_executor& first_executor() const noexcept
    {
        return executors_.front();
    }

    void start_workers();
    virtual void close_intake() noexcept = 0;
    virtual void close_results() noexcept = 0;

    /// From any thread: what has not started is dropped, what runs is cancelled.
    void stop(cancel_reason reason);
    cancel_reason stopping() const noexcept { return stopping_.load(); }

    boost::asio::awaitable<drain_report> drain(duration limit);

    ledger read() const;
    job_id next_id() noexcept { return ids_.fetch_add(1, std::memory_order_relaxed) + 1; }
    void reject() noexcept { rejected_.fetch_add(1, std::memory_order_relaxed); }

protected:
    /// Starts the time-out of the job a worker has begun.
    void watch(worker& w);
    presence enter(boost::asio::any_io_executor executor);
    /// A job that did not end well, for the report.
    void note_unfinished(job_id id, status s);

    /// Counts a job that ended outside any worker. Any thread.
    void count_elsewhere(status s) noexcept;

private:
    friend class presence;

    virtual std::uint64_t accepted() const noexcept = 0;
    virtual void start_worker(presence here) = 0;
    /// Publishes that the worker's job was given up, from a worker that takes its place.
    virtual void replace(presence here, job_id given_up, cancel_reason reason) = 0;
    /// The context destroyed a worker in the middle of a job.
    virtual void torn_down(job_id id) noexcept = 0;

    void left(worker& w) noexcept;
    void give_up(worker& w);
    template <class Do>
    void on_each_worker(Do what);
    boost::asio::awaitable<bool> all_left(duration limit);

    const worker_pool_options options_;
    const std::vector<boost::asio::any_io_executor> executors_;
    wait_group workers_left_;
    std::atomic<cancel_reason> stopping_{cancel_reason::none};
    std::atomic<job_id> ids_{0};
    std::atomic<std::uint64_t> rejected_{0};
    mutable std::mutex mutex_;
    std::deque<worker> workers_;
    std::deque<unfinished_job> unfinished_;
    std::array<std::atomic<std::uint64_t>, 6> elsewhere_{};
};

} // namespace weir::detail
