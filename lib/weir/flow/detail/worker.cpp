#include <weir/flow/detail/worker.hpp>

#include <weir/flow/detail/pool_core.hpp>

namespace weir::detail {

void tally::add_ends_to(ledger& sum) const noexcept
{
    for (std::size_t i = 0; i < ended_.size(); ++i)
        detail::add(sum, static_cast<status>(i), ended_[i].load(std::memory_order_acquire));
    sum.late += late_.load(std::memory_order_acquire);
}

void worker::begin(const ticket& job, time_point now) noexcept
{
    id_ = job.id;
    record_ = job.record.get();
    deadline_ = job.deadline();
    reason_ = cancel_reason::none;
    started_ = now;
    busy_ = true;
    counts.started();
    seen_.begin(id_, now);
}

status worker::end(bool has_value) noexcept
{
    busy_ = false;
    record_ = nullptr;
    time_out.cancel();
    seen_.end();
    status s = status::failed;
    if (has_value)
        s = status::ok;
    else if (reason_ == cancel_reason::deadline)
        s = status::timed_out;
    else if (reason_ != cancel_reason::none)
        s = status::cancelled;
    counts.ended(s);
    return s;
}

void worker::cancel(cancel_reason reason)
{
    if (!busy_ || was_cancelled())
        return;
    reason_ = reason;
    signal.emit(boost::asio::cancellation_type::terminal);
}

void worker::disturb()
{
    if (idle_)
        signal.emit(boost::asio::cancellation_type::terminal);
}

presence::~presence()
{
    if (pool_)
        pool_->left(worker_);
}

} // namespace weir::detail
