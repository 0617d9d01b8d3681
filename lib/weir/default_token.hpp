#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <type_traits>

namespace weir {

/// The completion token of a weir operation that is called without one: the executor's own default
/// when it has one, otherwise `deferred`, so that `co_await channel.async_receive()` works.
template <class Executor>
using default_token =
    std::conditional_t<std::is_void_v<boost::asio::default_completion_token_t<Executor>>,
                       boost::asio::deferred_t, boost::asio::default_completion_token_t<Executor>>;

} // namespace weir
