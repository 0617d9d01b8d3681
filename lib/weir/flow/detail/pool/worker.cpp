#include <weir/flow/detail/pool/worker.hpp>

#include <weir/flow/detail/pool/pool_state.hpp>

namespace weir::detail {

void worker::cancel(cancel_reason reason)
{
    if (!busy_ || was_cancelled())
        return;
    reason_ = reason;
    signal.emit(boost::asio::cancellation_type::terminal);
}

void worker::disturb()
{
    if (!idle_)
        return;
    disturbed_ = true;
    signal.emit(boost::asio::cancellation_type::terminal);
}

worker_guard::~worker_guard()
{
    if (worker_)
        worker_->pool->left(*worker_);
}

} // namespace weir::detail
