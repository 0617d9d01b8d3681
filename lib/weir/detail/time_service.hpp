#pragma once

#include <weir/detail/service_cache.hpp>
#include <weir/duration.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

namespace weir::detail {

class time_service;

/// The exception being handled as a code of the system category: `ENOMEM` for what has no other.
int current_system_error() noexcept;

/// The context's own executor beneath strands: the timer queue must not wait behind the handlers of
/// a strand.
boost::asio::any_io_executor beneath_strands(boost::asio::any_io_executor executor);

/// The source of an execution context's time and of the wake-ups of its timer queue. The real one
/// reads `std::chrono::steady_clock` and waits on one timer of the context; a simulation brings its
/// own.
///
/// Threads: `now` may be called from any thread. The other functions are called with the service's
///          lock held, and must not call back into the service.
class clock_source {
public:
    virtual ~clock_source() = default;

    virtual time_point now() const noexcept = 0;
    /// As `now`, or a few milliseconds earlier where that costs less.
    virtual time_point rough_now() const noexcept { return now(); }
    /// Whether this time is comparable with real elapsed time.
    virtual bool is_real() const noexcept { return false; }
    /// Calls `time_service::fire` at `at`, on a thread of the context. Replaces the previous
    /// wake-up time. `home` is an executor of the context. May throw when a wake-up cannot be had;
    /// then there is none.
    virtual void wake_at(time_service& service, time_point at,
                         const boost::asio::any_io_executor& home) = 0;
    /// Nothing waits any more: `fire` need not be called.
    virtual void sleep(time_service& service) noexcept = 0;
    /// The context is being destroyed: drops everything that belongs to it.
    virtual void shutdown(time_service& service) noexcept = 0;
};

/// One point in time that an operation waits for.
///
/// Threads: `expired` and `failed` are called on a thread of the context, or inside another
///          `schedule`, outside locks. They only post, and do no work themselves.
/// Lifetime: intrusive. Its owner keeps it alive until one of them was called, or until
///           `time_service::cancel` has returned true.
class timer_entry {
public:
    timer_entry() = default;
    timer_entry(const timer_entry&) = delete;
    timer_entry& operator=(const timer_entry&) = delete;

protected:
    ~timer_entry() = default;

private:
    friend class time_service;
    virtual void expired() noexcept = 0;
    /// The clock cannot be woken any more, for this reason (in the system category).
    virtual void failed(int error) noexcept = 0;

    static constexpr std::size_t unscheduled = std::numeric_limits<std::size_t>::max();
    std::size_t place_ = unscheduled;
};

/// The one clock and the one timer queue of an execution context. Every wait in weir goes through
/// it.
///
/// A program names it only to install another clock: a simulation calls
/// `boost::asio::make_service<time_service>(context, source)` before anything else uses the
/// context.
///
/// Threads: safe from any thread.
/// Memory: sixteen bytes per waiting entry, beside the entry itself; one `steady_timer` per
///         context.
/// Source: a d-ary heap (d = 4). Each entry keeps its place, so that a cancelled wait leaves at
///         once.
class time_service final : public boost::asio::execution_context::service {
public:
    static inline boost::asio::execution_context::id id;

    /// The real clock.
    [[gnu::cold]] explicit time_service(boost::asio::execution_context& context);
    [[gnu::cold]] time_service(boost::asio::execution_context& context,
                               std::shared_ptr<clock_source> source);
    [[gnu::cold]] ~time_service() override;

    template <class Executor>
    static time_service& of(const Executor& executor)
    {
        return service_cache<time_service>::of(static_cast<boost::asio::execution_context&>(
            boost::asio::query(executor, boost::asio::execution::context)));
    }

    time_point now() const noexcept { return source_->now(); }
    /// About now: for reports, not for waiting.
    time_point rough_now() const noexcept { return source_->rough_now(); }
    bool is_real() const noexcept { return source_->is_real(); }
    /// For what reads the time though the context may be gone.
    std::shared_ptr<const clock_source> source() const noexcept { return source_; }

    /// Calls `entry.expired()` once, at `at`, or at once when that is past; perhaps before this
    /// returns. False: the context is being destroyed, and the entry was not taken. Throws when it
    /// cannot be woken then; the entry was not taken either.
    bool schedule(timer_entry& entry, time_point at, const boost::asio::any_io_executor& home);

    /// True: the entry is out, and will not be called. False: it was called, is being called now,
    /// or was never scheduled.
    bool cancel(timer_entry& entry) noexcept;

    /// For a clock source: expires what is due. On a thread of the context.
    void fire() noexcept;

    /// Puts the clock source to sleep if nothing waits any more.
    void settle() noexcept;

private:
    struct slot {
        time_point at;
        timer_entry* entry;
    };

    [[gnu::cold]] void shutdown() override;
    void place(std::size_t index, slot value) noexcept;
    void sift_up(std::size_t index) noexcept;
    void sift_down(std::size_t index) noexcept;
    void remove(std::size_t index) noexcept;
    void settle_soon() noexcept;
    void arm(time_point at);
    void arm_or_fail(std::unique_lock<std::mutex>& lock) noexcept;

    std::shared_ptr<clock_source> source_;
    std::mutex mutex_;
    std::vector<slot> heap_;
    boost::asio::any_io_executor home_;
    time_point armed_at_ = time_point::max();
    bool armed_ = false;
    bool settling_ = false;
    bool down_ = false;
};

} // namespace weir::detail
