#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sync/detail/count_core.hpp>
#include <weir/time/alarm.hpp>

#include <boost/asio/error.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// The operation that waits until a count is zero: `void(error_code)`.
template <class Handler, class Executor>
class count_wait_operation final
    : public wait_operation<count_wait_operation<Handler, Executor>, Handler, Executor>,
      private count_core<>::node {
public:
    count_wait_operation(Handler&& handler, const Executor& executor,
                         std::shared_ptr<count_core<>> core)
        : count_wait_operation::wait_operation(std::move(handler), executor), core_(std::move(core))
    {
    }

    void start(time_point deadline)
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation();
        if (deadline != time_point::max())
            deadline_ = alarm(this->home().plain(), deadline, time_is_over, this);
        if (!core_->park(*this))
            this->wake();
    }

private:
    static void time_is_over(void* self)
    {
        static_cast<count_wait_operation*>(self)->give_up(errc::timed_out);
    }

    void cancelled() override { give_up(boost::asio::error::operation_aborted); }

    void give_up(error_code reason)
    {
        if (core_->unpark(*this)) {
            error_ = reason;
            this->wake();
        }
    }

    void reached_zero() noexcept override { this->wake(); }
    void resumed() override { this->complete(error_); }
    void dropped() noexcept override { this->destroy(); }

    void context_shutdown() noexcept override
    {
        if (core_->unpark(*this))
            this->destroy();
    }

    std::shared_ptr<count_core<>> core_;
    error_code error_;
    alarm deadline_;
};

/// For `initiate_at`. The operation shares the core, so its owner may go while it waits.
struct start_count_wait {
    template <class Executor, class Handler>
    void operator()(const Executor& executor, Handler&& handler, std::shared_ptr<count_core<>> core,
                    time_point deadline = time_point::max()) const
    {
        using operation = count_wait_operation<std::decay_t<Handler>, Executor>;
        operation::create(std::move(handler), executor, std::move(core))->start(deadline);
    }
};

} // namespace weir::detail
