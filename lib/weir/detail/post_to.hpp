#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/require.hpp>

#include <utility>

namespace weir::detail {

/// `boost::asio::post` for a function without an executor or an allocator of its own. An erased
/// executor would ignore both, and this compiles to a third of the code.
template <class Function>
void post_to(const boost::asio::any_io_executor& executor, Function&& function)
{
    namespace asio = boost::asio;
    asio::require(executor, asio::execution::blocking.never)
        .execute(std::forward<Function>(function));
}

} // namespace weir::detail
