#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/timed_waiter.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sync/detail/count_core.hpp>

#include <boost/asio/error.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// The operation that waits until a count is zero: `void(error_code)`.
template <class Handler, class Executor>
class count_wait_operation final : public wait_operation<count_wait_operation<Handler, Executor>,
                                                         Handler, Executor, timed_waiter>,
                                   private count_core<>::node {
public:
    count_wait_operation(Handler&& handler, const Executor& executor,
                         std::shared_ptr<count_core<>> core)
        : count_wait_operation::wait_operation(std::move(handler), executor), core_(std::move(core))
    {
    }

    static void without_memory(Handler&& handler, const Executor& io,
                               const std::shared_ptr<count_core<>>&)
    {
        call_handler_later(std::move(handler), io, error_code(boost::asio::error::no_memory));
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        const wait_result result =
            this->set_alarm(deadline) ? core_->park(*this) : wait_result::timed_out;
        if (result == wait_result::parked)
            return; // another thread may have ended it already
        if (result == wait_result::timed_out)
            error_ = this->why_over();
        this->wake();
    }

private:
    void cancelled() override
    {
        if (core_->unpark(*this)) {
            error_ = boost::asio::error::operation_aborted;
            this->wake();
        }
    }

    bool leave_line() noexcept override
    {
        if (!core_->give_up(*this))
            return false;
        error_ = this->why_over();
        return true;
    }

    void reached_zero() noexcept override { this->wake(); }

    void resumed() override
    {
        if (this->alarm_is_out())
            this->complete(error_);
    }

    void dropped() noexcept override
    {
        if (this->alarm_is_out())
            this->destroy();
    }

    void context_shutdown() noexcept override
    {
        this->drop_alarm();
        if (core_->unpark(*this))
            this->destroy();
    }

    std::shared_ptr<count_core<>> core_;
    error_code error_;
};

/// Begins a wait. It shares the core, so the core's owner may go while it waits.
struct start_count_wait {
    template <class Executor, class Handler>
    void operator()(const own_executor<Executor>& executor, Handler&& handler,
                    std::shared_ptr<count_core<>> core,
                    time_point deadline = time_point::max()) const
    {
        if (executor.serves(handler))
            (*this)(executor.fallback(), std::forward<Handler>(handler), std::move(core), deadline);
    }

    template <class Executor, class Handler>
    void operator()(const Executor& executor, Handler&& handler, std::shared_ptr<count_core<>> core,
                    time_point deadline = time_point::max()) const
    {
        using operation = count_wait_operation<std::decay_t<Handler>, Executor>;
        operation::begin_at(deadline, std::move(handler), executor, std::move(core));
    }
};

} // namespace weir::detail
