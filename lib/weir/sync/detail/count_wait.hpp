#pragma once

#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/sync/detail/count_core.hpp>

#include <boost/asio/error.hpp>

#include <memory>
#include <utility>

namespace weir::detail {

/// The operation that waits for a count to be zero: `void(error_code)`.
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

    void start()
    {
        if (!this->enlist())
            return this->destroy();
        this->on_cancellation([this] {
            if (core_->unpark(*this)) {
                error_ = boost::asio::error::operation_aborted;
                this->wake();
            }
        });
        if (!core_->park(*this))
            this->wake();
    }

private:
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
};

template <class Executor>
struct initiate_count_wait {
    using executor_type = Executor;

    initiate_count_wait(Executor e, std::shared_ptr<count_core<>> c)
        : executor(std::move(e)), core(std::move(c))
    {
    }
    executor_type get_executor() const noexcept { return executor; }

    template <class Handler>
    void operator()(Handler&& handler) const
    {
        using operation = count_wait_operation<std::decay_t<Handler>, Executor>;
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        operation::create(std::move(own), executor, core)->start();
    }

    Executor executor;
    std::shared_ptr<count_core<>> core;
};

} // namespace weir::detail
