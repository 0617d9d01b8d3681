#include <weir/run/signals.hpp>

#include <weir/error.hpp>

#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <utility>

namespace weir {

struct shutdown_signals::state {
    state(const boost::asio::any_io_executor& executor, function f, function g)
        : signals(executor, SIGINT, SIGTERM), first(std::move(f)), second(std::move(g))
    {
    }

    boost::asio::signal_set signals;
    function first; // empty after its call
    function second;
    bool listening = true;
};

shutdown_signals::shutdown_signals(boost::asio::any_io_executor executor, function first,
                                   function second)
    : state_(std::make_shared<state>(executor, std::move(first), std::move(second)))
{
    listen(state_);
}

shutdown_signals::shutdown_signals(boost::asio::any_io_executor executor, cancel_source source,
                                   function second)
    : shutdown_signals(std::move(executor),
                       function([source]() mutable { source.cancel(cancel_reason::shutdown); }),
                       std::move(second))
{
}

shutdown_signals::~shutdown_signals()
{
    error_code ignored;
    state_->listening = false;
    state_->signals.clear(ignored);
    state_->signals.cancel(ignored);
}

void shutdown_signals::cancel()
{
    state_->listening = false;
    state_->signals.clear();
    state_->signals.cancel();
}

void shutdown_signals::ignore()
{
    state_->listening = false;
    state_->signals.cancel();
}

void shutdown_signals::listen(const std::shared_ptr<state>& s)
{
    s->signals.async_wait([s](const error_code& error, int) {
        if (error || !s->listening)
            return;
        // Listen again first: the function may throw, or destroy this object.
        const function called = s->first ? std::exchange(s->first, nullptr) : s->second;
        if (s->second)
            listen(s);
        else
            s->signals.clear();
        if (called)
            called();
    });
}

} // namespace weir
