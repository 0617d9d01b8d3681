#pragma once

#include <weir/detail/guarded_call.hpp>
#include <weir/detail/list.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/flow/detail/pool/job_counters.hpp>
#include <weir/flow/detail/pool/watched_job.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/running_job.hpp>
#include <weir/time/alarm.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weir::detail {

class pool_state;

/// The filter of a worker's cancellation: terminal only, as Asio's own, but counted while it is in
/// use, so that a worker can tell when a job has replaced it by another.
class worker_filter {
public:
    static constexpr unsigned in_use = 2; // one for what comes in, one for what is passed on

    explicit worker_filter(unsigned& count) noexcept : count_(&count) { ++count; }
    worker_filter(const worker_filter& other) noexcept : count_(other.count_) { ++*count_; }
    worker_filter& operator=(const worker_filter&) = delete;
    ~worker_filter() { --*count_; }

    boost::asio::cancellation_type operator()(boost::asio::cancellation_type type) const noexcept
    {
        return type & boost::asio::cancellation_type::terminal;
    }

private:
    unsigned* count_;
};

/// Keeps the context of a worker's executor, one of the pool's, from being destroyed before the
/// worker is there. A base, because it goes after the executor.
struct until_started {
    context_guest::hold keep;
};

/// Runs jobs, one at a time; to a job it is its `job_context`.
///
/// Threads: its own executor, but for what says otherwise.
class worker : public until_started,
               public job_context,
               public list_node<>,
               public boost::intrusive_ref_counter<worker, boost::thread_safe_counter> {
public:
    /// A resident worker is a coroutine that takes jobs until there are no more, or too many
    /// workers. A temporary one runs the one job it came with, and is small: there may be a
    /// million.
    enum class role : std::uint8_t { resident, temporary };

    worker(boost::asio::any_io_executor executor, role r, job_counters& c)
        : job_context(std::move(executor)), counts(c), role_(r)
    {
    }
    virtual ~worker() = default;

    /// A job starts now; `again`: it was counted when it started first.
    void begin(const ticket& job, time_point now, bool again = false) noexcept
    {
        // Plain stores, which a report on another thread may look at.
        std::atomic_ref(id_).store(job.id, std::memory_order_relaxed);
        record_ = job.record.get();
        deadline_ = job.deadline();
        reason_ = cancel_reason::none;
        std::atomic_ref(started_).store(now, std::memory_order_relaxed);
        set_busy(true);
        if (!again)
            counts.started();
        if (watched_)
            watched_->begin(id_, now);
    }
    /// The job ended by itself. Returns how.
    status end(bool has_value) noexcept
    {
        const status s = has_value ? status::ok : without_value();
        end_attempt();
        counts.ended(s);
        return s;
    }
    /// The job ended by itself, and will be run again: it has not ended for the pool.
    void end_attempt() noexcept
    {
        set_busy(false);
        if (record_ != nullptr) [[unlikely]]
            on_token.cancel();
        record_ = nullptr;
        asked_ = nullptr;
        timeout.cancel();
        if (watched_)
            watched_->end();
    }
    /// The job's time was over before it could start.
    void expire() noexcept { reason_ = cancel_reason::deadline; }
    /// The job was cancelled before it could start.
    void refuse(cancel_reason why) noexcept { reason_ = why; }
    /// Where its task says that it is to end.
    void listen_to(const std::atomic<cancel_reason>& asked) noexcept { asked_ = &asked; }
    /// Asks the running job to end. The first reason stays.
    void cancel(cancel_reason reason);
    /// Interrupts the wait for a job, so that the worker looks at its pool again.
    void disturb();

    /// How its job ended, which has no value, from the reason why it was asked to.
    [[gnu::cold]] status without_value() noexcept;

    bool is_temporary() const noexcept { return role_ == role::temporary; }
    bool busy() const noexcept { return busy_; }
    const job_record* record() const noexcept { return record_; }
    /// Its job was abandoned, and the worker with it: it never takes another.
    bool retired() const noexcept { return retired_; }
    void retire() noexcept
    {
        retired_ = true;
        set_busy(false);
    }
    time_point started() const noexcept { return started_; }
    void set_deadline(time_point at) noexcept { deadline_ = at; }
    void begin_idle() noexcept { idle_ = true; }
    /// Whether it was disturbed meanwhile.
    bool end_idle() noexcept
    {
        idle_ = false;
        return std::exchange(disturbed_, false);
    }
    /// It leaves the pool by itself. Without this its context is destroying it.
    void leave() noexcept { leaving_ = true; }
    bool leaving() const noexcept { return leaving_; }

    /// From any thread, under the pool's lock. The id is 0 when it runs no job.
    running_job look(time_point now, bool always_on_thread) const;
    /// Under the pool's lock: what `look` says about a job with a name.
    void keep_name(std::string_view name);

    /// Lets a watcher on another thread see its jobs. Before it has any.
    void let_watch(std::shared_ptr<watched_job> watched) noexcept { watched_ = std::move(watched); }
    /// Null when there is no watcher.
    watched_job* watched() const noexcept { return watched_.get(); }

    unsigned filters = 0; // before the signal, which holds them
    boost::asio::cancellation_signal signal;
    alarm timeout;
    guarded_call on_token;
    job_counters& counts;
    std::shared_ptr<pool_state> pool; // set when it enters the pool

    // Guarded by the pool's mutex.
    std::uint32_t home = 0; // a resident's: the index of its executor in the pool
    bool live = false;      // counted among those that take jobs

private:
    void set_busy(bool busy) noexcept
    {
        std::atomic_ref(busy_).store(busy, std::memory_order_release);
    }
    bool was_cancelled() const noexcept { return reason_ != cancel_reason::none; }

    struct named_job {
        job_id id = 0;
        std::string name;
    };

    const role role_;
    bool busy_ = false;
    bool retired_ = false;
    bool idle_ = false;
    bool disturbed_ = false;
    bool leaving_ = false;
    time_point started_;
    std::shared_ptr<watched_job> watched_;
    std::unique_ptr<named_job> named_; // guarded by the pool's mutex
};

using worker_pointer = boost::intrusive_ptr<worker>;

/// Owned by whatever runs a worker: makes it leave its pool, however that ends, even when its
/// context destroys it before it ever ran.
class worker_guard {
public:
    /// The worker has entered its pool.
    explicit worker_guard(worker_pointer w) noexcept : worker_(std::move(w)) {}
    worker_guard(worker_guard&&) noexcept = default;
    worker_guard& operator=(worker_guard&&) = delete;
    ~worker_guard();

    worker& operator*() const noexcept { return *worker_; }
    worker* operator->() const noexcept { return worker_.get(); }

private:
    worker_pointer worker_;
};

} // namespace weir::detail
