#pragma once

#include <weir/detail/alarm_core.hpp>
#include <weir/detail/time_service.hpp>
#include <weir/detail/waiter.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>

namespace weir::detail {

/// A waiter that stands in a line, perhaps until a deadline only.
///
/// The wake-up, the alarm and the start of the operation may be on three threads, at the same
/// moment: nothing about the handler's executor need be serial. The lock of the line decides which
/// of the two ends the wait. The operation then completes when the alarm is out of the timer queue,
/// or has been; if it is just on its way, the alarm wakes the operation once more when it is
/// through, and is the last to touch it. An operation without a deadline pays a look at a pointer.
class timed_waiter : public waiter, private timer_entry {
protected:
    template <class Executor>
    explicit timed_waiter(const Executor& executor) : waiter(executor)
    {
    }
    ~timed_waiter() override = default;

    /// Before the operation stands in line; `time_point::max()` is no deadline. False: the alarm
    /// cannot be set, and `why_over` says why.
    [[nodiscard]] bool set_alarm(time_point at) noexcept
    {
        return at == time_point::max() || set_real_alarm(at);
    }

    /// Before it completes, or ends otherwise. False: do nothing; the operation is woken again.
    [[nodiscard]] bool alarm_is_out() noexcept { return clock_ == nullptr || take_alarm_out(); }

    /// Where the context is destroyed: `alarm_is_out` is true from here on.
    void drop_alarm() noexcept
    {
        if (clock_ != nullptr)
            (void)clock_->cancel(*this);
        clock_ = nullptr;
    }

    /// Whether the alarm has come. For an operation that was resumed.
    bool time_is_over() const noexcept { return clock_ != nullptr && alarm_.is_over(); }

    /// `errc::timed_out`, or why the alarm could not be set.
    error_code why_over() const noexcept
    {
        if (failure_ != 0)
            return error_code(failure_, boost::asio::error::get_system_category());
        return errc::timed_out;
    }

private:
    /// The time is over. Under the lock of the line. True: the operation was in line, nothing else
    /// ends it any more, and it has its result. False: it will not stand in line again.
    virtual bool leave_line() noexcept = 0;

    void expired() noexcept override;
    void failed(int error) noexcept override;
    bool set_real_alarm(time_point at) noexcept;
    bool take_alarm_out() noexcept;

    time_service* clock_ = nullptr; // none: there is no deadline, or not any more
    int failure_ = 0;               // in the system category
    alarm_core<> alarm_;
};

} // namespace weir::detail
