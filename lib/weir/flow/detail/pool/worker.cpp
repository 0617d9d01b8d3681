#include <weir/flow/detail/pool/worker.hpp>

#include <weir/flow/detail/pool/pool_state.hpp>

namespace weir::detail {

void worker::cancel(cancel_reason reason)
{
    if (!busy_ || was_cancelled())
        return;
    reason_ = reason;
    if (sub_jobs_ && sub_jobs_->of == id_)
        sub_jobs_->source.cancel(reason);
    signal.emit(boost::asio::cancellation_type::terminal);
}

void worker::disturb()
{
    if (!idle_)
        return;
    disturbed_ = true;
    signal.emit(boost::asio::cancellation_type::terminal);
}

status worker::without_value() noexcept
{
    reason_ = reason();
    if (reason_ == cancel_reason::none)
        return status::failed;
    return reason_ == cancel_reason::deadline ? status::timed_out : status::cancelled;
}

running_job worker::look(time_point now, bool always_on_thread) const
{
    auto& self = const_cast<worker&>(*this); // an `atomic_ref` is not for constants
    running_job job;
    if (!std::atomic_ref(self.busy_).load(std::memory_order_acquire))
        return job;
    job.id = std::atomic_ref(self.id_).load(std::memory_order_relaxed);
    const time_point since = std::atomic_ref(self.started_).load(std::memory_order_relaxed);
    job.age = now > since ? now - since : duration::zero();
    if (named_ && named_->id == job.id)
        job.name = named_->name;
    if (always_on_thread)
        job.where = running_job::place::on_thread;
    else if (watched_)
        job.where = watched_->look().on_thread ? running_job::place::on_thread
                                               : running_job::place::suspended;
    return job;
}

void worker::keep_name(std::string_view name)
{
    if (!named_)
        named_ = std::make_unique<named_job>();
    named_->id = id_;
    named_->name = name;
}

worker_guard::~worker_guard()
{
    if (worker_)
        worker_->pool->left(*worker_);
}

} // namespace weir::detail
