#pragma once

#include <weir/detail/own_executor.hpp>
#include <weir/detail/short_mutex.hpp>
#include <weir/detail/time_service.hpp>
#include <weir/duration.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace weir::detail {

/// Base of the shared state of a primitive that does something by itself when it is time, such as
/// granting tokens. It has one entry in the timer queue of the primitive's own context, set to the
/// earliest moment at which there is something to do, however many wait.
///
/// Threads: `look_again` from any thread, with no lock held that the virtual functions take. These
///          are called outside locks, on a thread of the context, or inside `look_again`. Only a
///          thread of the context sets the entry. For another one that has to be posted: Asio lets
///          no thread touch a timer while its context is being destroyed.
/// Lifetime: keeps itself alive while the entry is in the queue. May outlive the context, which
///           calls `context_gone` and from then on calls nothing; `is_gone` is true then.
class own_timer : public std::enable_shared_from_this<own_timer>, private timer_entry {
public:
    /// The real time, or that of a simulation.
    time_point now() const noexcept { return source_->now(); }

    /// Something has happened that may have changed `next_due`.
    void look_again() noexcept;

    bool is_gone() const noexcept { return home_.is_gone(); }

protected:
    explicit own_timer(const boost::asio::any_io_executor& executor);
    virtual ~own_timer();

private:
    /// When there is something to do; `time_point::max()` is never.
    virtual time_point next_due() noexcept = 0;
    /// Does what is due by now.
    virtual void due() noexcept = 0;
    /// The clock cannot be woken, for this reason (in the system category): what waits for it must
    /// not wait any longer.
    virtual void lost(int error) noexcept = 0;
    virtual void context_gone() noexcept = 0;

    void look_here() noexcept;
    static void told_that_context_is_gone(void* self) noexcept;
    void expired() noexcept override;
    void failed(int error) noexcept override;
    void set(time_point at, const context_guest::hold& kept) noexcept;
    bool take_out() noexcept;
    void not_set() noexcept;

    time_service* const clock_; // while the context is kept
    const std::shared_ptr<const clock_source> source_;
    short_mutex mutex_;
    bool looking_ = false; // a thread is setting the entry
    bool again_ = false;   // and is to look again afterwards
    bool posted_ = false;  // a handler that looks is on its way to the context
    bool set_ = false;     // the entry is in the queue, or on its way to `expired`
    time_point at_;
    std::shared_ptr<own_timer> self_; // while it is set
    own_any_executor home_;           // the first to go
};

} // namespace weir::detail
