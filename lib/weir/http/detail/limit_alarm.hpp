#pragma once

#include <weir/http/detail/journey.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <utility>

namespace weir::http::detail {

/// Cancels a journey, on the executor, when a limit of its has passed.
class limit_alarm {
public:
    limit_alarm(boost::asio::any_io_executor executor, journey& watched)
        : executor_(std::move(executor)), watched_(watched)
    {
        watched_.on_change([this] { arm(); });
        set(watched_.soonest()); // one alarm, where each phase would set one that is sooner
    }
    limit_alarm(const limit_alarm&) = delete;
    limit_alarm& operator=(const limit_alarm&) = delete;
    ~limit_alarm() { watched_.on_change(nullptr); }

private:
    void arm()
    {
        const time_point next = watched_.next();
        if (next < armed_)
            set(next); // otherwise it looks again then
    }
    void set(time_point at)
    {
        armed_ = at;
        alarm_ = alarm(
            executor_, at, [](void* it) { static_cast<limit_alarm*>(it)->look(); }, this);
    }
    void look()
    {
        armed_ = time_point::max();
        if (watched_.is_late())
            watched_.cancel();
        else
            arm();
    }

    boost::asio::any_io_executor executor_;
    journey& watched_;
    alarm alarm_;
    time_point armed_ = time_point::max();
};

} // namespace weir::http::detail
