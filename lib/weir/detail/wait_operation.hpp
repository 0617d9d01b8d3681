#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/handler_executor.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/detail/waiter.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/recycling_allocator.hpp>

#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// The part of a waiting operation that knows the handler: its executor, its allocator and its
/// cancellation slot.
///
/// `Derived` comes from `create`, and ends itself with `complete` or `destroy`. `Base` is `waiter`,
/// or `timed_waiter` where there may be a deadline.
template <class Derived, class Handler, class IoExecutor, class Base = waiter>
class wait_operation : public Base {
public:
    /// Allocates the operation with the handler's allocator.
    template <class... Args>
    static Derived* create(Handler&& handler, const IoExecutor& io, Args&&... args);

    /// The same, and starts it. Where there is no memory for it, the handler is called with
    /// `asio::error::no_memory` instead, later: `Derived::without_memory` says how. (A coroutine
    /// whose operation throws as it begins is destroyed by Asio, and its owner is never told.)
    template <class... Args>
    static void begin(Handler&& handler, const IoExecutor& io, Args&&... args)
    {
        if (Derived* made = create_or_fail(handler, io, args...))
            made->start();
    }
    template <class At, class... Args>
    static void begin_at(At&& at, Handler&& handler, const IoExecutor& io, Args&&... args)
    {
        if (Derived* made = create_or_fail(handler, io, args...))
            made->start(std::forward<At>(at));
    }

    [[gnu::cold]] void destroy() noexcept;

protected:
    wait_operation(Handler&& handler, const IoExecutor& io)
        : Base(executor_for(handler, io)), handler_(std::move(handler))
    {
    }

    ~wait_operation() = default;

    /// From here on `cancelled` is called when the handler's slot asks for it: on the operation's
    /// executor, and never after the operation completed.
    void on_cancellation()
    {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (!slot.is_connected())
            return;
        if constexpr (std::is_same_v<decltype(slot), boost::asio::cancellation_slot>)
            this->listen(slot);
        else
            this->listen_to(slot);
    }

    /// Clears the slot, frees the operation, then calls the handler. On the operation's executor.
    template <class... Args>
    void complete(Args... args);

private:
    template <class... Args>
    static Derived* create_or_fail(Handler& handler, const IoExecutor& io, Args&... args);

    static auto allocator_for(const Handler& handler)
    {
        auto allocator = boost::asio::get_associated_allocator(
            handler, boost::asio::recycling_allocator<void>());
        return typename std::allocator_traits<decltype(allocator)>::template rebind_alloc<Derived>(
            allocator);
    }

    Handler handler_;
};

template <class Derived, class Handler, class IoExecutor, class Base>
template <class... Args>
Derived* wait_operation<Derived, Handler, IoExecutor, Base>::create(Handler&& handler,
                                                                    const IoExecutor& io,
                                                                    Args&&... args)
{
    auto allocator = allocator_for(handler);
    Derived* memory = allocator.allocate(1);
    try {
        return ::new (static_cast<void*>(memory))
            Derived(std::move(handler), io, std::forward<Args>(args)...);
    } catch (...) {
        allocator.deallocate(memory, 1);
        throw;
    }
}

// Until the operation has its memory, the handler and the values are as they were.
template <class Derived, class Handler, class IoExecutor, class Base>
template <class... Args>
Derived* wait_operation<Derived, Handler, IoExecutor, Base>::create_or_fail(Handler& handler,
                                                                            const IoExecutor& io,
                                                                            Args&... args)
{
    try {
        return create(std::move(handler), io, std::move(args)...);
    } catch (const std::bad_alloc&) {
        if constexpr (requires { Handler::throws_without_memory; })
            throw;
        else
            Derived::without_memory(std::move(handler), io, std::move(args)...);
        return nullptr;
    }
}

template <class Derived, class Handler, class IoExecutor, class Base>
void wait_operation<Derived, Handler, IoExecutor, Base>::destroy() noexcept
{
    auto* self = static_cast<Derived*>(this);
    auto allocator = allocator_for(handler_);
    // Moved out first: a handler is often the last owner of a coroutine frame, whose destruction
    // may run anything, and by then this operation must be gone.
    [[maybe_unused]] Handler handler(std::move(handler_));
    self->~Derived();
    allocator.deallocate(self, 1);
}

template <class Derived, class Handler, class IoExecutor, class Base>
template <class... Args>
void wait_operation<Derived, Handler, IoExecutor, Base>::complete(Args... args)
{
    auto* self = static_cast<Derived*>(this);
    auto slot = boost::asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected())
        slot.clear();
    auto allocator = allocator_for(handler_);
    Handler handler(std::move(handler_));
    self->~Derived();
    allocator.deallocate(self, 1);
    call_handler(std::move(handler), std::move(args)...);
}

} // namespace weir::detail
