#pragma once

#include <boost/asio/awaitable.hpp>

namespace weir::detail {

template <class T>
inline constexpr bool is_awaitable = false;
template <class T, class Executor>
inline constexpr bool is_awaitable<boost::asio::awaitable<T, Executor>> = true;

} // namespace weir::detail
