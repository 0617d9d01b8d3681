#pragma once

#include <weir/detail/guarded_signal.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <utility>

namespace weir::http::detail {

/// Runs a coroutine for the handler of an operation.
///
/// Shape: `call<T>::begin(executor, work, handler, value_of)`; `value_of` makes a `T` of what the
///        coroutine threw. While the work runs, it may cancel itself by the call that `begin` gave.
/// Cancellation: terminal. The handler's slot is used on its own executor, the coroutine is
///               cancelled on its own.
/// Handler: by its associated executor, never inside `begin`. Its allocator gives the memory, which
///          is freed before.
template <class T>
class call : public std::enable_shared_from_this<call<T>> {
    struct only_here {};

public:
    using handler = boost::asio::any_completion_handler<void(T)>;
    using any_executor = boost::asio::any_io_executor;
    using from_error = T (*)(const std::exception_ptr& thrown);

    static call& begin(any_executor executor, boost::asio::awaitable<T> work, handler own,
                       from_error value_of);
    /// On the executor.
    void cancel();

    call(only_here, any_executor executor, handler own, from_error value_of)
        : executor_(std::move(executor)), handler_(std::move(own)), value_of_(value_of),
          where_(boost::asio::prefer(boost::asio::get_associated_executor(handler_, executor_),
                                     boost::asio::execution::outstanding_work.tracked))
    {
    }

private:
    void listen();
    static boost::asio::awaitable<void> run(std::shared_ptr<call> self,
                                            boost::asio::awaitable<T> work);
    static void complete(std::shared_ptr<call> self);
    /// Then its executor may be gone.
    static bool is_over(const std::weak_ptr<call>& one)
    {
        const auto self = one.lock();
        return !self || self->ended_;
    }

    any_executor executor_;
    handler handler_;
    from_error value_of_;
    boost::asio::any_completion_executor where_; // the handler's; counts as work
    weir::detail::guarded_signal stop_;
    bool cancelled_ = false;
    std::atomic<bool> ended_ = false; // and its handler is on the way
    T value_{};
};

template <class T>
call<T>& call<T>::begin(any_executor executor, boost::asio::awaitable<T> work, handler own,
                        from_error value_of)
{
    const auto memory =
        boost::asio::get_associated_allocator(own, boost::asio::recycling_allocator<void>());
    auto self = std::allocate_shared<call>(memory, only_here(), executor, std::move(own), value_of);
    self->listen();
    auto ended = [self](const std::exception_ptr& error) mutable {
        if (error)
            std::rethrow_exception(error);
        complete(std::move(self));
    };
    auto bound = boost::asio::bind_cancellation_slot(self->stop_.slot(), std::move(ended));
    boost::asio::co_spawn(executor, run(self, std::move(work)), std::move(bound));
    return *self; // its work has not begun, and keeps it
}

template <class T>
void call<T>::listen()
{
    auto slot = boost::asio::get_associated_cancellation_slot(handler_);
    if (!slot.is_connected())
        return;
    // Weak: the signal may belong to what the handler owns.
    slot.assign([weak = this->weak_from_this(), executor = executor_](auto type) {
        if ((type & boost::asio::cancellation_type::terminal) ==
                boost::asio::cancellation_type::none ||
            is_over(weak))
            return;
        boost::asio::dispatch(executor, [weak] {
            if (const auto self = weak.lock())
                self->cancel();
        });
    });
}

template <class T>
void call<T>::cancel()
{
    cancelled_ = true;
    stop_.cancel();
}

// Boost 1.81 loses a coroutine that is cancelled before its first suspension, and one that is found
// cancelled when it ends: as in `scope`.
template <class T>
boost::asio::awaitable<void> call<T>::run(std::shared_ptr<call> self,
                                          boost::asio::awaitable<T> work)
{
    struct reachable {
        explicit reachable(weir::detail::guarded_signal& by) noexcept : signal(by)
        {
            signal.begins();
        }
        ~reachable() { signal.ended(); }
        weir::detail::guarded_signal& signal;
    };
    const reachable here(self->stop_);
    std::exception_ptr error;
    try {
        if (self->cancelled_)
            throw boost::system::system_error(boost::asio::error::operation_aborted);
        self->value_ = co_await std::move(work);
    } catch (...) {
        error = std::current_exception();
    }
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    if (error)
        self->value_ = self->value_of_(error);
}

// What is posted carries the call, and not its value, which would be moved at every step. But the
// executors may not outlive their contexts there.
template <class T>
void call<T>::complete(std::shared_ptr<call> self)
{
    self->ended_ = true;
    const any_executor executor = std::move(self->executor_);
    auto where = std::move(self->where_);
    auto last = [own = std::move(self)]() mutable {
        handler then = std::move(own->handler_);
        T value = std::move(own->value_);
        own.reset();
        auto slot = boost::asio::get_associated_cancellation_slot(then);
        if (slot.is_connected())
            slot.clear();
        std::move(then)(std::move(value));
    };
    auto bound = boost::asio::bind_executor(std::move(where), std::move(last));
    boost::asio::post(
        executor, [own = std::move(bound)]() mutable { boost::asio::dispatch(std::move(own)); });
}

} // namespace weir::http::detail
