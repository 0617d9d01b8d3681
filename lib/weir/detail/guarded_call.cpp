#include <weir/detail/guarded_call.hpp>

#include <boost/asio/error.hpp>

namespace weir::detail {

guarded_call::pending::~pending() = default;

guarded_call::handler::handler(std::shared_ptr<pending> shared) noexcept
    : shared_(std::move(shared))
{
    shared_->signal.begins();
}

guarded_call::handler::handler(handler&&) noexcept = default;

guarded_call::handler::~handler()
{
    if (!shared_)
        return;
    shared_->signal.ended();
    shared_->forget();
}

boost::asio::cancellation_slot guarded_call::handler::get_cancellation_slot() const noexcept
{
    return shared_ ? shared_->signal.slot() : boost::asio::cancellation_slot();
}

void guarded_call::handler::operator()(const error_code& error)
{
    const std::shared_ptr<pending> shared = std::move(shared_);
    shared->signal.ended();
    if (error != boost::asio::error::operation_aborted && shared->wanted)
        shared->call();
    else
        shared->forget();
}

std::shared_ptr<guarded_call::pending> guarded_call::make_pending(void (*function)(void*),
                                                                  void* target)
{
    struct pending_call final : pending {
        pending_call(void (*f)(void*), void* t) noexcept : function(f), target(t) {}

        void call() override { function(target); }

        void (*function)(void*);
        void* target;
    };
    return std::make_shared<pending_call>(function, target);
}

void guarded_call::cancel_pending() noexcept
{
    const std::shared_ptr<pending> gone = std::move(pending_);
    gone->wanted = false;
    gone->signal.cancel();
}

} // namespace weir::detail
