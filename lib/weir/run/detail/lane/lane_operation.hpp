#pragma once

#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/run/detail/lane/lane_job.hpp>
#include <weir/run/detail/lane/lane_state.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// What the operations of a lane have in common.
template <class Derived, class Handler>
class lane_wait : public wait_operation<Derived, Handler, boost::asio::any_io_executor>,
                  protected lane_job {
protected:
    lane_wait(Handler&& handler, const boost::asio::any_io_executor& executor,
              std::shared_ptr<lane_state> state)
        : lane_wait::wait_operation(std::move(handler), executor), state_(std::move(state))
    {
    }
    ~lane_wait() = default;

    /// False: the operation is gone.
    bool prepare()
    {
        if (!this->enlist()) {
            this->destroy();
            return false;
        }
        this->on_cancellation();
        return true;
    }

    void cancelled() override
    {
        if (state_->withdraw(*this))
            ended(boost::asio::error::operation_aborted);
    }

    void ended(error_code why) noexcept override
    {
        why_ = why;
        this->wake();
    }

    void dropped() noexcept override
    {
        if (state_->wake_up_gone(*this))
            this->destroy();
    }

    void context_shutdown() noexcept override
    {
        if (state_->context_gone(*this))
            this->destroy();
    }

    std::shared_ptr<lane_state> state_;
    error_code why_;
};

/// The value that goes with an error. When making it can fail, it is made before the operation
/// starts: there the caller sees the failure.
template <class R>
struct lane_default {
    static constexpr bool may_throw = false;
};
template <class R>
requires(!std::is_void_v<R> && !std::is_nothrow_default_constructible_v<R>) struct lane_default<R> {
    static constexpr bool may_throw = true;
    R value = R();
};

/// The operation behind `blocking_lane::async_run`.
template <class Function, class R, class Handler>
class lane_operation final : public lane_wait<lane_operation<Function, R, Handler>, Handler> {
public:
    lane_operation(Handler&& handler, const boost::asio::any_io_executor& executor, Function&& f,
                   [[maybe_unused]] lane_default<R>&& spare, std::shared_ptr<lane_state> state)
        : lane_operation::lane_wait(std::move(handler), executor, std::move(state)),
          function_(std::move(f))
    {
        if constexpr (lane_default<R>::may_throw)
            value_.emplace(std::move(spare.value));
    }

    static void without_memory(Handler&& handler, const boost::asio::any_io_executor& io,
                               Function&&, [[maybe_unused]] lane_default<R>&& spare,
                               const std::shared_ptr<lane_state>&)
    {
        std::exception_ptr error = std::current_exception();
        if constexpr (std::is_void_v<R>)
            call_handler_later(std::move(handler), io, std::move(error));
        else if constexpr (lane_default<R>::may_throw)
            call_handler_later(std::move(handler), io, std::move(error), std::move(spare.value));
        else
            call_handler_later(std::move(handler), io, std::move(error), R());
    }

    void start()
    {
        const std::shared_ptr<lane_state> state = this->state_;
        if (this->prepare())
            state->submit(*this, this->home().context());
    }

private:
    void call() noexcept override
    {
        try {
            if constexpr (std::is_void_v<R>) {
                std::invoke(*std::move(function_));
            } else {
                R made(std::invoke(*std::move(function_)));
                value_.emplace(std::move(made));
            }
        } catch (...) {
            error_ = std::current_exception();
        }
        function_.reset();
    }

    void resumed() override
    {
        if (this->why_) {
            try {
                throw system_error(this->why_);
            } catch (...) { // it may be `bad_alloc`
                error_ = std::current_exception();
            }
        }
        if constexpr (std::is_void_v<R>)
            this->complete(std::move(error_));
        else if (!error_)
            this->complete(std::exception_ptr(), *std::move(value_));
        else if constexpr (lane_default<R>::may_throw)
            this->complete(std::move(error_), *std::move(value_));
        else
            this->complete(std::move(error_), R());
    }

    std::optional<Function> function_;
    std::optional<std::conditional_t<std::is_void_v<R>, bool, R>> value_;
    std::exception_ptr error_;
};

/// The operation behind `blocking_lane::async_close`.
template <class Handler>
class lane_close_operation final : public lane_wait<lane_close_operation<Handler>, Handler> {
public:
    lane_close_operation(Handler&& handler, const boost::asio::any_io_executor& executor,
                         std::shared_ptr<lane_state> state)
        : lane_close_operation::lane_wait(std::move(handler), executor, std::move(state))
    {
    }

    static void without_memory(Handler&& handler, const boost::asio::any_io_executor& io,
                               const std::shared_ptr<lane_state>&)
    {
        call_handler_later(std::move(handler), io, error_code(boost::asio::error::no_memory));
    }

    void start()
    {
        const std::shared_ptr<lane_state> state = this->state_;
        if (this->prepare())
            state->submit_close(*this, this->home().context());
    }

private:
    void call() noexcept override {}
    void resumed() override { this->complete(this->why_); }
};

} // namespace weir::detail
