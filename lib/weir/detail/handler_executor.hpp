#pragma once

#include <weir/detail/post_to.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>

#include <type_traits>
#include <utility>

namespace weir::detail {

/// Stands for "no executor" where a handler is asked for its own.
struct no_executor {};

template <class Handler>
using handler_executor_or_none =
    typename boost::asio::associated_executor<Handler, no_executor>::type;

/// Whether an operation can post to the handler's own executor. It cannot to one behind
/// `any_completion_executor`, which has no context.
template <class Handler>
inline constexpr bool has_own_executor =
    std::is_convertible_v<handler_executor_or_none<Handler>, boost::asio::any_io_executor>;

/// The handler's own executor. Only if it is an `any_io_executor` may it be empty, for a handler
/// that has none after all.
template <class Handler>
auto own_executor_of(const Handler& handler) noexcept
{
    return boost::asio::get_associated_executor(handler, boost::asio::any_io_executor());
}

/// Whether this handler has one. One whose erased executor is empty has not.
template <class Handler>
bool brings_executor(const Handler& handler) noexcept
{
    using own = handler_executor_or_none<Handler>;
    if constexpr (std::is_same_v<own, boost::asio::any_io_executor>)
        return bool(own_executor_of(handler));
    else
        return has_own_executor<Handler>;
}

/// Where functions are posted for a handler: to its own executor, or else to the I/O executor. That
/// one is not even copied for a handler with one of its own: another thread may be dropping it.
template <class Handler, class IoExecutor>
decltype(auto) executor_for(const Handler& handler, const IoExecutor& io)
{
    using own = handler_executor_or_none<Handler>;
    using any = boost::asio::any_io_executor;
    if constexpr (!has_own_executor<Handler>) {
        return (io);
    } else if constexpr (std::is_same_v<own, any>) {
        any found = own_executor_of(handler);
        if (!found)
            found = io;
        return found;
    } else {
        return own_executor_of(handler);
    }
}

/// Calls a handler in a function that was posted to `executor_for` it. One behind
/// `any_completion_executor`, or one that runs everything in place, has no context to post to: it
/// is dispatched from the I/O executor.
template <class Handler, class... Args>
void call_handler(Handler&& handler, Args&&... args)
{
    using type = std::decay_t<Handler>;
    if constexpr (has_own_executor<type> ||
                  std::is_same_v<handler_executor_or_none<type>, no_executor>)
        std::forward<Handler>(handler)(std::forward<Args>(args)...);
    else
        boost::asio::dispatch(
            boost::asio::append(std::forward<Handler>(handler), std::forward<Args>(args)...));
}

/// The same in a function that is posted now. Asio allocates that.
template <class Handler, class IoExecutor, class... Args>
[[gnu::cold]] void call_handler_later(Handler&& handler, const IoExecutor& io, Args... args)
{
    const boost::asio::any_io_executor where = executor_for(handler, io);
    post_to(where, [own = std::move(handler), ... each = std::move(args)]() mutable {
        call_handler(std::move(own), std::move(each)...);
    });
}

} // namespace weir::detail
