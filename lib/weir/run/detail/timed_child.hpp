#pragma once

#include <weir/run/scope.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <exception>

namespace weir::detail {

/// Runs a coroutine as a child of its own, which is cancelled after `timeout`, and then waited for.
///
/// Errors: what `join` throws; `error` in the handler says what that was.
/// Threads: as a scope's.
class timed_child {
public:
    timed_child(boost::asio::any_io_executor executor, duration timeout,
                boost::asio::awaitable<void> work);
    timed_child(const timed_child&) = delete;
    timed_child& operator=(const timed_child&) = delete;

    boost::asio::awaitable<void> join() { return child_.join(); }
    boost::asio::awaitable<void> join_uninterrupted() { return child_.join_uninterrupted(); }

    /// The exception being handled, or `errc::timed_out` when it came of the time-out.
    std::exception_ptr error() const;

private:
    scope child_;
    alarm at_timeout_;
};

} // namespace weir::detail
