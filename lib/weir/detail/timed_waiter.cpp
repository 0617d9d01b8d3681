#include <weir/detail/timed_waiter.hpp>

#include <weir/detail/service_cache.hpp>

namespace weir::detail {

// As soon as the alarm is set it may come, on another thread. It touches nothing but what is read
// after the line's lock was taken, or after `alarm_`.
bool timed_waiter::set_real_alarm(time_point at) noexcept
{
    try {
        time_service& clock = service_cache<time_service>::of(home().context());
        clock_ = &clock;
        if (!clock.schedule(*this, at, home().for_timers()))
            clock_ = nullptr; // the context is being destroyed, and so is the operation, soon
        return true;
    } catch (...) {
        clock_ = nullptr;
        failure_ = current_system_error();
        return false;
    }
}

bool timed_waiter::take_alarm_out() noexcept
{
    if (time_is_over() || clock_->cancel(*this)) {
        clock_ = nullptr;
        return true;
    }
    return alarm_.is_through();
}

void timed_waiter::expired() noexcept
{
    if (leave_line()) {
        alarm_.ended_wait();
        return wake();
    }
    if (alarm_.came_late())
        wake();
}

void timed_waiter::failed(int error) noexcept
{
    failure_ = error;
    expired();
}

} // namespace weir::detail
