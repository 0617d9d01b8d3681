#pragma once

#include <boost/asio/awaitable.hpp>

#include <type_traits>

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

/// What a call returns; `void` when there is no such call, where an assertion has said so in words.
template <class Function, class... Args>
struct invoke_result_or_void {
    using type = void;
};
template <class Function, class... Args>
requires std::is_invocable_v<Function, Args...>
struct invoke_result_or_void<Function, Args...> : std::invoke_result<Function, Args...> {
};

/// The type of `co_await` on a `T` when that is an awaitable; otherwise `T` itself.
template <class T>
using awaited_t = typename awaited<T>::type;

} // namespace weir::detail
