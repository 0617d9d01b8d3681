#include <weir/detail/own_executor.hpp>

#include <weir/detail/service_cache.hpp>

namespace weir::detail {

void context_guest::enter(boost::asio::execution_context& context)
{
    auto& registry = service_cache<waiter_registry>::of(context);
    if (!registry.add(*this))
        return context_gone();
    registry_.store(&registry, std::memory_order_relaxed);
}

void context_guest::leave() noexcept
{
    if (auto* registry = registry_.load(std::memory_order_relaxed))
        registry->remove(*this);
}

// Closing may end operations, and one of these may be the last to hold the primitive.
void context_guest::context_gone() noexcept
{
    const std::shared_ptr<void> closed = closed_;
    const closing close = close_;
    registry_.store(nullptr, std::memory_order_relaxed);
    set_gone();
    drop();
    if (close != nullptr)
        close(closed.get());
}

} // namespace weir::detail
