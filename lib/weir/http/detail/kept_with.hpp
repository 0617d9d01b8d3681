#pragma once

#include <boost/asio/awaitable.hpp>

#include <type_traits>
#include <utility>

namespace weir::http::detail {

/// Awaits work that uses something, and keeps that until the work is gone. It is for work that runs
/// in a scope: where a context is destroyed, the coroutine that awaits the scope may go first.
template <class Used, class T>
boost::asio::awaitable<T> kept_with([[maybe_unused]] Used used, boost::asio::awaitable<T> work)
{
    if constexpr (std::is_void_v<T>)
        co_await std::move(work);
    else
        co_return co_await std::move(work);
}

} // namespace weir::http::detail
