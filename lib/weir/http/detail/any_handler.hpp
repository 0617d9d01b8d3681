#pragma once

#include <weir/detail/handler_executor.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>

#include <type_traits>
#include <utility>

namespace weir::http::detail {

/// The handler behind one type for all. Where its own executor is empty it gets `io`: a coroutine
/// that ran out of memory has lost its own, and Boost 1.81 leaks an empty executor that it wraps.
template <class Signature, class Handler>
boost::asio::any_completion_handler<Signature> any_handler(Handler handler,
                                                           const boost::asio::any_io_executor& io)
{
    using own = weir::detail::handler_executor_or_none<Handler>;
    if constexpr (std::is_same_v<own, boost::asio::any_io_executor>) {
        auto where = weir::detail::executor_for(handler, io);
        return boost::asio::bind_executor(std::move(where), std::move(handler));
    } else {
        return handler;
    }
}

} // namespace weir::http::detail
