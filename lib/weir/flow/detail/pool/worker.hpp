#pragma once

#include <weir/flow/drain_report.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace weir::detail {

class pool_state;

inline constexpr std::size_t statuses = 6;

/// Counts what becomes of jobs: of one worker's, or of those that have no worker of their own.
class job_counters {
public:
    enum class writers { one, several };

    explicit job_counters(writers w) noexcept : several_(w == writers::several) {}

    void started() noexcept { add(started_); }
    void ended(status s) noexcept { add(ended_[static_cast<std::size_t>(s)]); }
    void late() noexcept { add(late_); }

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

/// What a watcher on another thread may see of a worker: which job it is at, and since when.
class watched_job {
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

    void set_name(std::string_view name)
    {
        std::lock_guard lock(mutex_);
        name_ = name;
    }
    std::string name() const
    {
        std::lock_guard lock(mutex_);
        return name_;
    }

private:
    std::atomic<job_id> id_{0};
    std::atomic<duration::rep> since_{0};
    mutable std::mutex mutex_;
    std::string name_;
};

/// The filter of a worker's cancellation: terminal only, as Asio's own, but counted while it is in
/// use, so that a worker can tell that a job has put another in its place.
class own_filter {
public:
    static constexpr unsigned in_use = 2; // one for what comes in, one for what is passed on

    explicit own_filter(unsigned& count) noexcept : count_(&count) { ++count; }
    own_filter(const own_filter& other) noexcept : count_(other.count_) { ++*count_; }
    own_filter& operator=(const own_filter&) = delete;
    ~own_filter() { --*count_; }

    boost::asio::cancellation_type operator()(boost::asio::cancellation_type type) const noexcept
    {
        return type & boost::asio::cancellation_type::terminal;
    }

private:
    unsigned* count_;
};

/// Who works at a job. Touched on its own executor, but for what says otherwise.
class worker : public job_context,
               public boost::intrusive_ref_counter<worker, boost::thread_safe_counter> {
public:
    /// A member of the pool is a coroutine that takes jobs until there are no more, or too many
    /// members; a guest does the one job it came with, and is small: there may be a million.
    enum class role : std::uint8_t { member, guest };

    worker(boost::asio::any_io_executor executor, role r, job_counters& t)
        : job_context(std::move(executor)), counts(t), role_(r)
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
        if (seen_)
            seen_->begin(id_, now);
    }
    /// The status of a job that ended by itself.
    status end(bool has_value) noexcept
    {
        busy_ = false;
        record_ = nullptr;
        timeout.cancel();
        if (seen_)
            seen_->end();
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
    void begin_idle() noexcept { idle_ = true; }
    /// Whether it was disturbed meanwhile.
    bool end_idle() noexcept
    {
        idle_ = false;
        return std::exchange(disturbed_, false);
    }
    /// Leaves by itself; without this its context is destroying it.
    void leave() noexcept { leaving_ = true; }
    bool leaving() const noexcept { return leaving_; }

    /// Lets a watcher on another thread see its jobs. Before it has any.
    void let_watch() { seen_ = std::make_unique<watched_job>(); }
    /// Null when nobody watches.
    watched_job* seen() const noexcept { return seen_.get(); }

    unsigned own_filters = 0; // before the signal, in which they are
    boost::asio::cancellation_signal signal;
    alarm timeout;
    job_counters& counts;
    std::shared_ptr<pool_state> pool; // from when it enters that

    // Guarded by the pool's mutex.
    std::uint32_t home = 0; // of a member: at which of the pool's executors
    bool live = false;      // counted among those that take jobs

private:
    friend class worker_list;

    const role role_;
    bool busy_ = false;
    bool retired_ = false;
    bool idle_ = false;
    bool disturbed_ = false;
    bool leaving_ = false;
    time_point started_;
    std::unique_ptr<watched_job> seen_;
    worker* next_ = nullptr;
    worker* previous_ = nullptr;
};

using worker_pointer = boost::intrusive_ptr<worker>;

/// Who is there, without owning them.
class worker_list {
public:
    void add(worker& w) noexcept;
    void remove(worker& w) noexcept;

    template <class Do>
    void each(Do what) const
    {
        for (worker* w = first_; w != nullptr; w = w->next_)
            what(*w);
    }

private:
    worker* first_ = nullptr;
};

/// What makes a worker's coroutine leave the pool however it ends, even if its context destroys it
/// before it ever ran.
class presence {
public:
    /// Of one who has entered its pool.
    explicit presence(worker_pointer w) noexcept : worker_(std::move(w)) {}
    presence(presence&&) noexcept = default;
    presence& operator=(presence&&) = delete;
    ~presence();

    worker& of() const noexcept { return *worker_; }
    const worker_pointer& shared() const noexcept { return worker_; }

private:
    worker_pointer worker_;
};

} // namespace weir::detail
