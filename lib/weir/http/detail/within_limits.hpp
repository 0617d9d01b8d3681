#pragma once

#include <weir/http/detail/journey.hpp>
#include <weir/run/cancel.hpp>
#include <weir/run/scope.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <optional>
#include <utility>

namespace weir::http::detail {

/// Cancels a scope when a limit of a journey has passed.
class limit_alarm {
public:
    limit_alarm(boost::asio::any_io_executor executor, journey& watched, scope& work)
        : executor_(std::move(executor)), watched_(watched), work_(work)
    {
        watched_.on_change([this] { arm(); });
        arm();
    }
    limit_alarm(const limit_alarm&) = delete;
    limit_alarm& operator=(const limit_alarm&) = delete;
    ~limit_alarm() { watched_.on_change(nullptr); }

private:
    void arm()
    {
        const time_point next = watched_.next();
        if (next >= armed_)
            return; // it looks again then
        armed_ = next;
        alarm_ = alarm(executor_, next, [this] { look(); });
    }
    void look()
    {
        armed_ = time_point::max();
        if (watched_.is_late())
            work_.cancel(cancel_reason::deadline);
        else
            arm();
    }

    boost::asio::any_io_executor executor_;
    journey& watched_;
    scope& work_;
    alarm alarm_;
    time_point armed_ = time_point::max();
};

/// Awaits the work of a journey, and cancels it when a limit has passed.
template <class T>
boost::asio::awaitable<T> within_limits(boost::asio::any_io_executor executor, journey& watched,
                                        boost::asio::awaitable<T> work)
{
    if (!watched.watches())
        co_return co_await std::move(work);
    std::optional<T> result;
    const auto body = [&](scope& only) -> boost::asio::awaitable<void> {
        const limit_alarm limits(executor, watched, only);
        result.emplace(co_await std::move(work));
    };
    co_await with_scope(body);
    co_return std::move(*result);
}

} // namespace weir::http::detail
