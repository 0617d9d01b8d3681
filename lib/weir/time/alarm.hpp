#pragma once

#include <weir/detail/guarded_call.hpp>
#include <weir/duration.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <utility>

namespace weir {

/// Calls a function at a point in time, unless it is destroyed or cancelled first. Use it as the
/// timeout of something that is cancelled by hand, such as a socket.
///
/// Errors: the constructor throws a `system_error` when the clock cannot be set (no file descriptor
///         is left for the context's first timer, or no memory); nothing is called then. A clock
///         that fails later calls the function at once: early is better than never. What the
///         function throws leaves through the executor, as from any posted handler.
/// Threads: the executor must be serial (one thread, or a strand), unlike that of an operation
///          with a deadline. Construct, cancel and destroy the alarm there; the function runs there
///          too.
/// Lifetime: the function is never called after `cancel` or the destructor has returned.
class alarm {
public:
    /// An alarm that never calls anything.
    alarm() = default;

    template <class Function>
    alarm(boost::asio::any_io_executor executor, time_point at, Function function)
    {
        call_.start(std::move(function), starter(executor, at));
    }

    /// The same for a plain function and what it works on: allocates and compiles to less.
    alarm(boost::asio::any_io_executor executor, time_point at, void (*function)(void*),
          void* target);

    void cancel() noexcept { call_.cancel(); }

private:
    // Starts the wait. Compiled once, for it is the same whatever the function.
    class starter {
    public:
        starter(boost::asio::any_io_executor& executor, time_point at) noexcept
            : executor_(executor), at_(at)
        {
        }
        void operator()(detail::guarded_call::handler on_time);

    private:
        using executor_type = boost::asio::any_io_executor;

        executor_type& executor_;
        time_point at_;
    };

    detail::guarded_call call_;
};

} // namespace weir
