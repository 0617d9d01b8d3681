#pragma once

#include <weir/http/detail/recycled.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

// Private names of Asio, which `use_awaitable` is made of: not for `WEIR_NO_ASIO_INTERNALS`.

namespace weir::http::detail {

/// The handler of an operation that ends a coroutine with its result. As Asio's own, but what the
/// operation has allocated in the cancellation slot stays there for the next one.
template <class T, class Executor = boost::asio::any_io_executor>
class ending_handler : public boost::asio::detail::awaitable_handler_base<Executor, T> {
public:
    using allocator_type = recycled<void>;

    using ending_handler::awaitable_handler_base::awaitable_handler_base;

    allocator_type get_allocator() const noexcept { return {}; }

    template <class Result>
    void operator()(const Result& result)
    {
        auto slot = this->get_cancellation_slot();
        if (slot.is_connected())
            slot.template emplace<nothing_to_cancel>();
        this->frame()->attach_thread(this);
        this->frame()->return_value(result);
        this->frame()->pop_frame();
        this->pump();
    }

private:
    struct nothing_to_cancel {
        void operator()(boost::asio::cancellation_type) const noexcept {}
    };
};

/// The last `co_await` of a coroutine: starts an operation whose handler, of this type, ends the
/// coroutine with its result. What `use_awaitable` does in a coroutine of its own.
template <class Handler, class Start>
auto ended_by(Start start)
{
    return [start = std::move(start)](auto* frame) -> Handler* {
        start(Handler(frame->detach_thread()));
        return nullptr;
    };
}

} // namespace weir::http::detail
