#pragma once

#include <weir/run/cancel.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace weir {

/// SIGINT and SIGTERM as a request to end in good order: the first one starts it, the second one
/// says that it takes too long.
///
/// Shape: the first signal calls `first`, or cancels a `cancel_source` for `shutdown`. Each later
///        one calls `second`; when there is none, a later signal ends the program, as it does by
///        default.
/// Handler: both are called on the executor, as any handler: they may start a drain, or stop.
/// Errors: what they throw leaves by the executor.
/// Threads: constructed, cancelled and destroyed on its executor, which is serial. One thread of
///          the program is told of a signal, whichever it reaches.
/// Lifetime: goes before its context. While it listens, `run` does not return. After `cancel` or
///           the destructor nothing is called.
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

    /// Listens no longer: a signal does again what it did before.
    void cancel();

private:
    struct state;

    static void listen(const std::shared_ptr<state>& s);

    std::shared_ptr<state> state_;
};

} // namespace weir
