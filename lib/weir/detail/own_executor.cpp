#include <weir/detail/own_executor.hpp>

#include <weir/detail/service_cache.hpp>

namespace weir::detail {

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
    drop();
    if (close != nullptr)
        close(closed.get());
}

} // namespace weir::detail
