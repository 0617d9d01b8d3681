#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/service_cache.hpp>
#include <weir/detail/time_service.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>

#include <type_traits>
#include <utility>

namespace weir {

/// Waits until a point in time, on the executor's clock (real, or virtual in a simulation).
///
/// Units: `at` is on `std::chrono::steady_clock`'s scale. A point in the past completes at once,
///        but never inside this call.
/// Completion: `void(error_code)`
/// Errors: `boost::asio::error::operation_aborted` when cancelled; a system error when the clock
///         cannot be set: the context has no file descriptor left for its first timer, or there is
///         no memory.
/// Cancellation: terminal, partial and total all end the wait. A wait whose time has already come
///               succeeds.
/// Handler: by its associated executor, or `executor` when it has none.
/// Memory: one allocation by the handler's allocator. There is one timer queue per context, and no
///         timer per wait.
template <class Executor, class Token = default_token<Executor>>
WEIR_NODISCARD_OPERATION auto async_sleep_until(Executor executor, time_point at,
                                                Token&& token = Token());

/// As `async_sleep_until`, for a length of time counted from the start of the operation.
template <class Executor, class Token = default_token<Executor>>
WEIR_NODISCARD_OPERATION auto async_sleep_for(Executor executor, duration length,
                                              Token&& token = Token());

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

    static void without_memory(Handler&& handler, const Executor& io)
    {
        call_handler_later(std::move(handler), io, error_code(boost::asio::error::no_memory));
    }

    void start(time_point at)
    {
        try {
            schedule(at);
        } catch (...) { // no file descriptor for the context's first timer, or no memory
            failed(current_system_error());
        }
    }

    /// What cannot be set throws, and the handler is destroyed.
    void start_or_throw(time_point at)
    {
        try {
            schedule(at);
        } catch (...) {
            this->destroy();
            throw;
        }
    }

    void start(duration length)
    {
        auto& clock = service_cache<time_service>::of(this->home().context());
        start(saturating_add(clock.now(), length));
    }

private:
    // As soon as it is set it may end, on another thread.
    void schedule(time_point at)
    {
        if (!this->enlist())
            return this->destroy();
        service_ = &service_cache<time_service>::of(this->home().context());
        this->on_cancellation();
        if (!service_->schedule(*this, at, this->home().for_timers()))
            this->destroy();
    }

    void cancelled() override
    {
        if (service_->cancel(*this)) {
            error_ = boost::asio::error::operation_aborted;
            this->wake();
        }
    }

    void expired() noexcept override { this->wake(); }

    void failed(int error) noexcept override
    {
        error_ = error;
        this->wake();
    }

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
    int error_ = 0; // in the system category; an `error_code` would be three times as large
};

/// `time` is a point in time or a length of time.
template <class Executor, class Time, class Token>
auto initiate_sleep(Executor executor, Time time, Token& token)
{
    const auto start = [](const Executor& own, auto&& handler, Time t) {
        using operation = sleep_operation<std::decay_t<decltype(handler)>, Executor>;
        operation::begin_at(t, std::move(handler), own);
    };
    return initiate_at<void(error_code)>(std::move(executor), token, start, time);
}

} // namespace detail

template <class Executor, class Token>
auto async_sleep_until(Executor executor, time_point at, Token&& token)
{
    return detail::initiate_sleep(std::move(executor), at, token);
}

template <class Executor, class Token>
auto async_sleep_for(Executor executor, duration length, Token&& token)
{
    return detail::initiate_sleep(std::move(executor), length, token);
}

} // namespace weir
