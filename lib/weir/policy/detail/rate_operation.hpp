#pragma once

#include <weir/detail/acquire_result.hpp>
#include <weir/detail/timed_waiter.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>

#include <memory>
#include <utility>

namespace weir {

namespace detail {

/// Waits for tokens: of a `rate_limiter`, or of one for each key.
template <class State, class Handler, class Executor>
class rate_operation final : public wait_operation<rate_operation<State, Handler, Executor>,
                                                   Handler, Executor, timed_waiter>,
                             private State::node {
public:
    /// What comes last is what the node is made from.
    template <class... Asked>
    rate_operation(Handler&& handler, const Executor& executor, std::shared_ptr<State> shared,
                   Asked&&... asked)
        : rate_operation::wait_operation(std::move(handler), executor), State::node(
                                                                            std::forward<Asked>(
                                                                                asked)...),
          state_(std::move(shared))
    {
    }

    template <class... Asked>
    static void without_memory(Handler&& handler, const Executor& io, const std::shared_ptr<State>&,
                               const Asked&...)
    {
        call_handler_later(std::move(handler), io, error_code(boost::asio::error::no_memory));
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        if (!this->set_alarm(deadline))
            return settled(acquire_result::timed_out);
        const auto kept = state_;
        const acquire_result result = kept->park(*this);
        if (result != acquire_result::parked) // else another thread may have ended it already
            settled(result);
    }

private:
    void cancelled() override
    {
        const auto kept = state_;
        if (kept->unpark(*this)) {
            error_ = boost::asio::error::operation_aborted;
            this->wake();
        }
    }

    bool leave_line() noexcept override
    {
        const auto kept = state_;
        if (!kept->give_up(*this))
            return false;
        error_ = this->why_over();
        return true;
    }

    void settled(acquire_result result) noexcept override
    {
        if (result == acquire_result::closed)
            error_ = errc::closed;
        else if (result == acquire_result::too_large)
            error_ = errc::too_large;
        else if (result == acquire_result::full)
            error_ = errc::full;
        else if (result == acquire_result::no_memory)
            error_ = boost::asio::error::no_memory;
        else if (result == acquire_result::timed_out)
            error_ = this->why_over();
        else if (result == acquire_result::no_timer)
            error_.assign(state_->failure(), boost::asio::error::get_system_category());
        this->wake();
    }

    void resumed() override
    {
        if (this->alarm_is_out())
            this->complete(error_code(error_));
    }

    void dropped() noexcept override
    {
        if (this->alarm_is_out())
            this->destroy();
    }

    void context_shutdown() noexcept override
    {
        this->drop_alarm();
        const auto kept = state_;
        if (kept->unpark(*this))
            this->destroy();
    }

    std::shared_ptr<State> state_;
    error_code error_;
};

} // namespace detail

} // namespace weir
