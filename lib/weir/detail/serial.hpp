#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <cstddef>

namespace weir::detail {

/// Declares every executor of this context as serial: one thread at a time runs it. (The contexts
/// of a `runner_pool` are known without it.)
void mark_serial(boost::asio::execution_context& context);

/// Whether functions on this executor never run at the same time, as far as can be known: the
/// executor of a runner or of a simulated context, a strand, or one that is assumed to be serial.
bool is_serial(const boost::asio::any_io_executor& executor);

/// How many threads run this executor's functions, as far as can be known: 1 where it cannot.
std::size_t threads_behind(const boost::asio::any_io_executor& executor);

/// Makes a strand over an executor.
boost::asio::any_io_executor strand_over(const boost::asio::any_io_executor& executor);

/// The executor when it is serial, else a strand over it.
inline boost::asio::any_io_executor serial_over(const boost::asio::any_io_executor& executor)
{
    return is_serial(executor) ? executor : strand_over(executor);
}

/// Whether the calling thread runs the context of this executor. False also where that cannot be
/// known.
bool runs_here(const boost::asio::any_io_executor& executor);

/// What to run functions on for an executor of the user's: one that is only assumed to be serial is
/// checked where assertions are, and costs nothing elsewhere.
boost::asio::any_io_executor unless_checked(const boost::asio::any_io_executor& executor);

} // namespace weir::detail
