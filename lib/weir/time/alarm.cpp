#include <weir/time/alarm.hpp>

#include <weir/time/sleep.hpp>

namespace weir {

alarm::alarm(boost::asio::any_io_executor executor, time_point at, void (*function)(void*),
             void* target)
{
    call_.start(function, target, starter(executor, at));
}

void alarm::starter::operator()(detail::guarded_call::handler on_time)
{
    async_sleep_until(std::move(executor_), at_, std::move(on_time));
}

} // namespace weir
