#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace weir::detail {

/// Awaits work that must reach its end although its coroutine is cancelled meanwhile: by itself
/// Asio would throw at the next `co_await`. A request to cancel still reaches the operations that
/// the work awaits, and is still recorded for afterwards.
///
/// A coroutine that is cancelled already cannot await this either: it throws before this begins.
/// Such a place switches `throw_if_cancelled` itself.
inline boost::asio::awaitable<void> uninterrupted(boost::asio::awaitable<void> work)
{
    const bool throwing = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    std::exception_ptr error;
    try {
        co_await std::move(work);
    } catch (...) {
        error = std::current_exception();
    }
    co_await boost::asio::this_coro::throw_if_cancelled(throwing);
    if (error)
        std::rethrow_exception(error);
}

} // namespace weir::detail
