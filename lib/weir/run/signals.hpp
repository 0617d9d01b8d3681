#pragma once

#include <weir/run/cancel.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace weir {

/// Ends a program in good order on SIGINT and SIGTERM: the first signal starts the shutdown, a
/// second one says that it takes too long.
///
/// Shape: the first signal calls `first`, or cancels a `cancel_source` for `shutdown`. Each later
///        one calls `second`; without a `second`, a later signal ends the program, as it does by
///        default.
/// Errors: what the functions throw leaves by the executor.
/// Handler: both functions run on the executor, as any handler: they may start a drain, or stop.
/// Threads: construct, cancel and destroy it on its executor, which is serial. The operating system
///          may deliver the signal on any thread of the program.
/// Lifetime: destroy it before its context. While it listens, the context's `run` does not return.
///           Nothing is called after `cancel`, `ignore` or the destructor.
class shutdown_signals {
public:
    using function = std::function<void()>;

    shutdown_signals(boost::asio::any_io_executor executor, function first,
                     function second = nullptr);
    shutdown_signals(boost::asio::any_io_executor executor, cancel_source source,
                     function second = nullptr);
    shutdown_signals(const shutdown_signals&) = delete;
    shutdown_signals& operator=(const shutdown_signals&) = delete;
    ~shutdown_signals();

    /// Stops listening: signals do again what they did before.
    void cancel();
    /// Stops listening, but the signals stay without effect until this is destroyed: for a program
    /// that has finished its work, and must not be ended while it says so. `run` may return.
    void ignore();

private:
    struct state;

    static void listen(const std::shared_ptr<state>& s);

    std::shared_ptr<state> state_;
};

} // namespace weir
