#pragma once

#include <weir/flow/drain_report.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace weir::detail {

class pool_core;

inline constexpr std::size_t statuses = 6;

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
    std::array<std::atomic<std::uint64_t>, statuses> ended_{};
    std::atomic<std::uint64_t> late_{0};
};

/// What a watcher on another thread may see of a worker: which job it is at, and since when.
class glimpse {
public:
    struct seen {
        job_id id = 0;
        time_point since;
    };

    void begin(job_id id, time_point since) noexcept
    {
        since_.store(since.time_since_epoch().count(), std::memory_order_relaxed);
        id_.store(id, std::memory_order_release);
    }
    void end() noexcept { id_.store(0, std::memory_order_release); }

    /// Nobody's (id 0) when there is no job, or it changed meanwhile.
    seen look() const noexcept
    {
        const job_id id = id_.load(std::memory_order_acquire);
        const time_point since{duration(since_.load(std::memory_order_acquire))};
        return {id_.load(std::memory_order_relaxed) == id ? id : 0, since};
    }

private:
    std::atomic<job_id> id_{0};
    std::atomic<duration::rep> since_{0};
};

/// One worker: a coroutine that takes jobs one after the other, and the job it is at. Touched on
/// its own executor, but for what says otherwise.
class worker : public job_context {
public:
    /// A worker of the pool takes jobs until there are no more, or too many workers; a guest does
    /// the one job it came with, at its submitter's executor.
    enum class role { member, guest };

    worker(boost::asio::any_io_executor executor, role r)
        : job_context(std::move(executor)), role_(r)
    {
    }
    virtual ~worker() = default;

    /// Takes up a job that starts now.
    void begin(const ticket& job, time_point now) noexcept
    {
        id_ = job.id;
        record_ = job.record.get();
        deadline_ = job.deadline();
        reason_ = cancel_reason::none;
        started_ = now;
        busy_ = true;
        counts.started();
        seen_.begin(id_, now);
    }
    /// The status of a job that ended by itself.
    status end(bool has_value) noexcept
    {
        busy_ = false;
        record_ = nullptr;
        time_out.cancel();
        seen_.end();
        status s = status::ok;
        if (!has_value) {
            if (reason_ == cancel_reason::none)
                s = status::failed;
            else
                s = reason_ == cancel_reason::deadline ? status::timed_out : status::cancelled;
        }
        counts.ended(s);
        return s;
    }
    /// Its time was over before it could start: it ends here.
    void expire() noexcept { reason_ = cancel_reason::deadline; }
    /// Asks the job under way to end. The first reason stays.
    void cancel(cancel_reason reason);
    /// Interrupts its waiting for a job, so that it looks around.
    void disturb();

    bool is_guest() const noexcept { return role_ == role::guest; }
    bool busy() const noexcept { return busy_; }
    /// Gave up on its job: it will never take another.
    bool retired() const noexcept { return retired_; }
    void retire() noexcept
    {
        retired_ = true;
        busy_ = false;
    }
    bool was_cancelled() const noexcept { return reason_ != cancel_reason::none; }
    time_point started() const noexcept { return started_; }
    void set_deadline(time_point at) noexcept { deadline_ = at; }
    void set_idle(bool idle) noexcept { idle_ = idle; }
    /// Leaves by itself; without this its context is destroying it.
    void leave() noexcept { leaving_ = true; }
    bool leaving() const noexcept { return leaving_; }

    /// For a watcher on another thread.
    const glimpse& seen() const noexcept { return seen_; }
    void set_seen_name(std::string_view name)
    {
        std::lock_guard lock(seen_mutex_);
        seen_name_ = name;
    }
    std::string seen_name() const
    {
        std::lock_guard lock(seen_mutex_);
        return seen_name_;
    }

    boost::asio::cancellation_signal signal;
    alarm time_out;
    tally counts;

    // Guarded by the pool's mutex.
    std::list<std::shared_ptr<worker>>::iterator place;
    bool live = false;    // counted among those that take jobs
    std::size_t home = 0; // of a member: at which of the pool's executors

private:
    const role role_;
    bool busy_ = false;
    bool retired_ = false;
    bool idle_ = false;
    bool leaving_ = false;
    time_point started_;
    glimpse seen_;
    mutable std::mutex seen_mutex_;
    std::string seen_name_;
};

/// What makes a worker's coroutine leave the pool however it ends, even if its context destroys it
/// before it ever ran.
class presence {
public:
    presence(std::shared_ptr<pool_core> pool, std::shared_ptr<worker> w) noexcept
        : pool_(std::move(pool)), worker_(std::move(w))
    {
    }
    presence(presence&&) noexcept = default;
    presence& operator=(presence&&) = delete;
    ~presence();

    worker& of() const noexcept { return *worker_; }
    const std::shared_ptr<worker>& shared() const noexcept { return worker_; }

private:
    std::shared_ptr<pool_core> pool_;
    std::shared_ptr<worker> worker_;
};

} // namespace weir::detail
