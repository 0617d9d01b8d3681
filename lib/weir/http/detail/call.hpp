#pragma once

#include <weir/detail/handler_executor.hpp>
#include <weir/detail/post_to.hpp>
#include <weir/http/detail/recycled.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir::http::detail {

struct stop_line;

/// Runs a coroutine for the handler of an operation.
///
/// Shape: `make_call<T>(executor, handler)`, then `begin` with work that puts its result into
///        `value`. What the work throws is put there as a `T` that failed.
/// Cancellation: terminal. The handler's slot is used on its own executor, the coroutine is
///               cancelled on its own.
/// Handler: by its associated executor, never inside `begin`. Its allocator gives the memory, which
///          is freed before.
/// Lifetime: the work keeps it.
template <class T>
class call : public std::enable_shared_from_this<call<T>> {
public:
    using any_executor = boost::asio::any_io_executor;

    call(const call&) = delete;
    call& operator=(const call&) = delete;

    T& value() noexcept { return value_; }
    /// Once.
    void begin(boost::asio::awaitable<void> work);
    /// On the executor.
    void cancel();

protected:
    explicit call(any_executor executor);
    ~call();

    any_executor executor_;

private:
    class runner;

    virtual boost::asio::cancellation_slot slot() const noexcept = 0;
    /// Has the handler called with the value.
    virtual void complete(std::shared_ptr<call> self) = 0;

    void listen();
    /// Then its executor may be gone.
    static bool is_over(const std::weak_ptr<call>& one)
    {
        const auto self = one.lock();
        return !self || self->ended_;
    }

    std::unique_ptr<stop_line> stop_;
    bool is_reachable_ = false; // its coroutine
    bool cancelled_ = false;
    std::atomic<bool> ended_ = false; // and its handler is on the way
    T value_{};
};

/// A call for a handler of this type.
template <class T, class Handler>
class call_for final : public call<T> {
    using io_executor = boost::asio::any_io_executor;
    using where = std::decay_t<decltype(boost::asio::prefer(
        weir::detail::executor_for(std::declval<const Handler&>(),
                                   std::declval<const io_executor&>()),
        boost::asio::execution::outstanding_work.tracked))>;

public:
    call_for(const io_executor& executor, Handler own)
        : call<T>(executor), handler_(std::move(own)), is_here_(is_at(executor)),
          where_(boost::asio::prefer(weir::detail::executor_for(handler_, executor),
                                     boost::asio::execution::outstanding_work.tracked))
    {
        if (!is_here_)
            work_ = boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
    }

private:
    bool is_at(const io_executor& executor) const
    {
        if constexpr (std::is_same_v<where, io_executor>)
            return weir::detail::executor_for(handler_, executor) == executor;
        else
            return false;
    }

    boost::asio::cancellation_slot slot() const noexcept override
    {
        return boost::asio::get_associated_cancellation_slot(handler_);
    }

    // What is posted carries the call, and not its value, which would be moved at every step. But
    // the executors may not outlive their contexts there.
    void complete(std::shared_ptr<call<T>> self) override
    {
        const io_executor executor = std::move(this->executor_);
        const io_executor work = std::move(work_);
        auto there = std::move(where_);
        const bool is_here = is_here_;
        delivery last{std::static_pointer_cast<call_for>(std::move(self))};
        if (is_here) {
            // An executor of any type would not use the allocator.
            if (const auto* io = executor.template target<boost::asio::io_context::executor_type>())
                return boost::asio::post(*io, std::move(last));
            return weir::detail::post_to(executor, std::move(last));
        }
        auto bound = boost::asio::bind_executor(std::move(there), std::move(last));
        boost::asio::post(executor, [own = std::move(bound)]() mutable {
            boost::asio::dispatch(std::move(own));
        });
    }

    struct delivery {
        using allocator_type = recycled<void>;

        allocator_type get_allocator() const noexcept { return {}; }
        void operator()() { deliver(std::move(of)); }

        std::shared_ptr<call_for> of;
    };

    static void deliver(std::shared_ptr<call_for> own)
    {
        Handler then = std::move(own->handler_);
        T value = std::move(own->value());
        own.reset();
        auto slot = boost::asio::get_associated_cancellation_slot(then);
        if (slot.is_connected())
            slot.clear();
        weir::detail::call_handler(std::move(then), std::move(value));
    }

    Handler handler_;
    const bool is_here_; // the handler's executor is that of the work
    io_executor work_;   // where it is not: the work's own counts too
    where where_;        // counts as work
};

template <class T, class Handler>
std::shared_ptr<call<T>> make_call(const boost::asio::any_io_executor& executor, Handler handler)
{
    const auto memory = boost::asio::get_associated_allocator(handler, recycled<void>());
    return std::allocate_shared<call_for<T, Handler>>(memory, executor, std::move(handler));
}

} // namespace weir::http::detail
