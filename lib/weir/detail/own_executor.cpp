#include <weir/detail/own_executor.hpp>

#include <weir/detail/service_cache.hpp>

#include <thread>

namespace weir::detail {

// It counts first and looks then; `context_gone` says so first, and waits then. Either sees the
// other.
context_guest::hold::hold(context_guest& guest) noexcept : guest_(&guest)
{
    guest.holds_.fetch_add(1);
    if (guest.gone_.load()) {
        guest.holds_.fetch_sub(1);
        guest_ = nullptr;
    }
}

void context_guest::enter(boost::asio::execution_context& context)
{
    if (!service_cache<waiter_registry>::of(context).add(*this))
        context_gone();
}

void context_guest::leave() noexcept
{
    waiter_registry::remove(*this);
}

// Closing may end operations, and one of these may be the last to hold the primitive.
void context_guest::context_gone() noexcept
{
    const std::shared_ptr<void> closed = closed_;
    const closing close = close_;
    set_gone();
    while (holds_.load() != 0)
        std::this_thread::yield();
    drop();
    if (close != nullptr)
        close(closed.get());
}

} // namespace weir::detail
