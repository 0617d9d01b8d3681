#pragma once

#include <weir/detail/initiate.hpp>
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

/// For `initiate_at`. The operation shares the core, so its owner may go while it waits.
struct start_count_wait {
    template <class Executor, class Handler>
    void operator()(const Executor& executor, Handler&& handler,
                    std::shared_ptr<count_core<>> core) const
    {
        using operation = count_wait_operation<std::decay_t<Handler>, Executor>;
        operation::create(std::move(handler), executor, std::move(core))->start();
    }
};

} // namespace weir::detail
