#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>

#include <type_traits>
#include <utility>

namespace weir::detail {

/// Whether a handler's executor can be posted to. One behind `any_completion_executor`, or one that
/// runs everything in place, cannot: it has no context. Such a handler is reached by way of the
/// I/O executor, from which it is dispatched.
template <class Handler, class IoExecutor>
inline constexpr bool posts_to_handler =
    std::is_convertible_v<boost::asio::associated_executor_t<Handler, IoExecutor>,
                          boost::asio::any_io_executor>;

/// Where functions are posted for a handler: to its own executor, or else to the I/O executor.
template <class Handler, class IoExecutor>
auto executor_for(const Handler& handler, const IoExecutor& io)
{
    if constexpr (posts_to_handler<Handler, IoExecutor>)
        return boost::asio::get_associated_executor(handler, io);
    else
        return io;
}

/// Calls a handler, in a function that was posted to `executor_for` it.
template <class IoExecutor, class Handler, class... Args>
void call_handler(Handler&& handler, Args&&... args)
{
    if constexpr (posts_to_handler<std::decay_t<Handler>, IoExecutor>)
        std::forward<Handler>(handler)(std::forward<Args>(args)...);
    else
        boost::asio::dispatch(boost::asio::append(std::forward<Handler>(handler),
                                                  std::forward<Args>(args)...));
}

} // namespace weir::detail
