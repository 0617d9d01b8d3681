#pragma once

#include <weir/detail/guarded_call.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

#include <type_traits>
#include <utility>

namespace weir {

/// Waits until a point in time, on the executor's clock (real, or virtual in a simulation).
///
/// Units: `at` is on `std::chrono::steady_clock`'s scale; one that is past completes at once, but
///        never inside this call.
/// Completion: `void(error_code)`
/// Errors: `boost::asio::error::operation_aborted` when cancelled; the system's when its context
///         has no descriptors left for the first timer.
/// Cancellation: terminal, partial and total all end the wait. A wait whose time has come already
///               succeeds.
/// Memory: one allocation by the handler's allocator; no timer of its own (one timer queue a
///         context).
template <class Executor, class Token = default_token<Executor>>
auto async_sleep_until(Executor executor, time_point at, Token&& token = Token());

/// The same for a length of time, counted from the start of the operation.
template <class Executor, class Token = default_token<Executor>>
auto async_sleep_for(Executor executor, duration length, Token&& token = Token());

/// Calls a function at a point in time, unless it is destroyed or cancelled first: the time-out of
/// something that is cancelled by hand, such as a socket.
///
/// Lifetime: the function is never called after `cancel` or the destructor returned.
/// Threads: the executor is serial (one thread or a strand); construct, cancel and destroy the
///          alarm there. The function runs there too.
/// Errors: what the function throws leaves by the executor, as from any posted handler.
class alarm {
public:
    /// No alarm: never calls anything.
    alarm() = default;

    template <class Function>
    alarm(boost::asio::any_io_executor executor, time_point at, Function function)
    {
        call_.start(std::move(function), [&](auto handler) {
            async_sleep_until(std::move(executor), at, std::move(handler));
        });
    }

    void cancel() noexcept { call_.cancel(); }

private:
    detail::guarded_call call_;
};

// -------------------------------------------------------------------------------------------------

namespace detail {

template <class Handler, class Executor>
class sleep_operation final
    : public wait_operation<sleep_operation<Handler, Executor>, Handler, Executor>,
      private timer_entry {
public:
    sleep_operation(Handler&& handler, const Executor& executor)
        : sleep_operation::wait_operation(std::move(handler), executor)
    {
    }

    void start(time_point at)
    {
        if (!this->enlist())
            return this->destroy();
        service_ = &service_cache<time_service>::of(this->home().context());
        this->on_cancellation([this] {
            if (service_->cancel(*this)) {
                error_ = boost::asio::error::operation_aborted;
                this->wake();
            }
        });
        try {
            if (!service_->schedule(*this, at, this->home().plain()))
                this->destroy();
        } catch (const system_error& e) { // the context got no descriptors for its first timer
            error_ = e.code().value();
            this->wake();
        }
    }

    void start(duration length)
    {
        auto& clock = service_cache<time_service>::of(this->home().context());
        start(saturating_add(clock.now(), length));
    }

private:
    void expired() noexcept override { this->wake(); }
    void resumed() override
    {
        this->complete(error_code(error_, boost::asio::error::get_system_category()));
    }
    void dropped() noexcept override { this->destroy(); }

    void context_shutdown() noexcept override
    {
        if (service_->cancel(*this))
            this->destroy();
    }

    time_service* service_ = nullptr;
    int error_ = 0; // the system's: an `error_code` is three times as large
};

template <class Executor>
struct initiate_sleep {
    using executor_type = Executor;

    explicit initiate_sleep(Executor e) : executor(std::move(e)) {}
    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class Time>
    void operator()(Handler&& handler, Time time) const
    {
        using operation = sleep_operation<std::decay_t<Handler>, Executor>;
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        operation::create(std::move(own), executor)->start(time);
    }

    Executor executor;
};

} // namespace detail

template <class Executor, class Token>
auto async_sleep_until(Executor executor, time_point at, Token&& token)
{
    return boost::asio::async_initiate<Token, void(error_code)>(
        detail::initiate_sleep<Executor>(std::move(executor)), token, at);
}

template <class Executor, class Token>
auto async_sleep_for(Executor executor, duration length, Token&& token)
{
    return boost::asio::async_initiate<Token, void(error_code)>(
        detail::initiate_sleep<Executor>(std::move(executor)), token, length);
}

} // namespace weir
