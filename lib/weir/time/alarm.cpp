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
    using operation = detail::sleep_operation<detail::guarded_call::handler, executor_type>;
    operation::create(std::move(on_time), executor_)->start_or_throw(at_);
}

} // namespace weir
