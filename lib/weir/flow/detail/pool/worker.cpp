#include <weir/flow/detail/pool/worker.hpp>

#include <weir/flow/detail/pool/pool_state.hpp>

namespace weir::detail {

void job_counters::add_ends_to(ledger& sum) const noexcept
{
    for (std::size_t i = 0; i < ended_.size(); ++i)
        detail::add(sum, static_cast<status>(i), ended_[i].load(std::memory_order_acquire));
    sum.late += late_.load(std::memory_order_acquire);
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
    if (!idle_)
        return;
    disturbed_ = true;
    signal.emit(boost::asio::cancellation_type::terminal);
}

void worker_list::add(worker& w) noexcept
{
    w.previous_ = nullptr;
    w.next_ = first_;
    if (first_ != nullptr)
        first_->previous_ = &w;
    first_ = &w;
}

void worker_list::remove(worker& w) noexcept
{
    (w.previous_ != nullptr ? w.previous_->next_ : first_) = w.next_;
    if (w.next_ != nullptr)
        w.next_->previous_ = w.previous_;
}

presence::~presence()
{
    if (worker_)
        worker_->pool->left(*worker_);
}

} // namespace weir::detail
