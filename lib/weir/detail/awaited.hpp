#pragma once

#include <boost/asio/awaitable.hpp>

namespace weir::detail {

template <class T>
inline constexpr bool is_awaitable = false;
template <class T, class Executor>
inline constexpr bool is_awaitable<boost::asio::awaitable<T, Executor>> = true;

template <class T>
struct awaited {
    using type = T;
};
template <class T, class Executor>
struct awaited<boost::asio::awaitable<T, Executor>> {
    using type = T;
};

/// The type of `co_await` on a `T` when that is an awaitable; otherwise `T` itself.
template <class T>
using awaited_t = typename awaited<T>::type;

} // namespace weir::detail
