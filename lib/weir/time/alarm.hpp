#pragma once

#include <weir/detail/guarded_call.hpp>
#include <weir/duration.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <utility>

namespace weir {

/// Calls a function at a point in time, unless it is destroyed or cancelled first. Use it as the
/// timeout of something that is cancelled by hand, such as a socket.
///
/// Errors: what the function throws leaves through the executor, as from any posted handler.
/// Threads: the executor must be serial (one thread, or a strand). Construct, cancel and destroy
///          the alarm there; the function runs there too.
/// Lifetime: the function is never called after `cancel` or the destructor has returned.
class alarm {
public:
    /// An alarm that never calls anything.
    alarm() = default;

    template <class Function>
    alarm(boost::asio::any_io_executor executor, time_point at, Function function);

    void cancel() noexcept { call_.cancel(); }

private:
    detail::guarded_call call_;
};

// -------------------------------------------------------------------------------------------------

template <class Function>
alarm::alarm(boost::asio::any_io_executor executor, time_point at, Function function)
{
    call_.start(std::move(function), [&](auto handler) {
        async_sleep_until(std::move(executor), at, std::move(handler));
    });
}

} // namespace weir
