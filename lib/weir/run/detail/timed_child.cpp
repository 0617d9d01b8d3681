#include <weir/run/detail/timed_child.hpp>

#include <weir/error.hpp>

#include <utility>

namespace weir::detail {

timed_child::timed_child(boost::asio::any_io_executor executor, duration timeout,
                         boost::asio::awaitable<void> work)
    : child_(executor)
{
    child_.spawn(std::move(work)); // it may run first, and that time is its own
    at_timeout_ = alarm(executor, saturating_add(now(executor), timeout),
                        [this] { child_.cancel(cancel_reason::deadline); });
}

std::exception_ptr timed_child::error() const
{
    if (child_.reason() == cancel_reason::deadline)
        return std::make_exception_ptr(system_error(errc::timed_out));
    return std::current_exception();
}

} // namespace weir::detail
