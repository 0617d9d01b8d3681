#pragma once

#include <weir/time/short_mutex.hpp>
#include <weir/time/turn.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/recycling_allocator.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

// What every waiting operation in weir is made of: a `waiter`. Three rules are kept here once, so
// that no primitive has to keep them by itself:
//
// * whoever wakes a waiter only posts; the operation goes on where its own handler belongs (law 4);
// * a waiter is known to the context its handler belongs to, which drops it when it is destroyed
// first, so
//   that contexts, primitives and coroutines may go in any order (law 10);
// * a wake-up that is destroyed before it ran tells the operation, which passes on what it was
// given
//   (laws 2 and 3).

namespace weir {

/// The token a weir operation uses when none is given: the executor's own default when it has one,
/// else `deferred`, so that `co_await channel.async_receive()` works.
template <class Executor>
using default_token =
    std::conditional_t<std::is_void_v<boost::asio::default_completion_token_t<Executor>>,
                       boost::asio::deferred_t, boost::asio::default_completion_token_t<Executor>>;

/// The executor a waiting operation goes on at. Posts without allocating where it finds an
/// `io_context` beneath.
class home_executor {
public:
    using io_executor = boost::asio::io_context::executor_type;

    template <class Executor>
    explicit home_executor(const Executor& executor)
    {
        namespace asio = boost::asio;
        if constexpr (std::is_same_v<Executor, io_executor>)
            where_.template emplace<io_executor>(executor);
        else if constexpr (std::is_same_v<Executor, asio::any_io_executor>)
            look_beneath(executor);
        else
            look_beneath(asio::any_io_executor(executor));
    }

    /// The context's own executor, which does not count as work: the registry does that for all who
    /// wait there. Null for any other, which counts as work by itself, so that `run` does not
    /// return while the operation waits.
    const io_executor* io() const noexcept { return std::get_if<io_executor>(&where_); }

    boost::asio::execution_context& context() const
    {
        if (io() != nullptr)
            return io()->context();
        return boost::asio::query(other(), boost::asio::execution::context);
    }

    boost::asio::any_io_executor plain() const
    {
        namespace asio = boost::asio;
        if (io() != nullptr)
            return *io();
        return asio::prefer(other(), asio::execution::outstanding_work.untracked);
    }

    /// The function may run, and destroy this object, before `post` returns.
    template <class Function>
    void post(Function function) const
    {
        if (io() != nullptr) {
            const io_executor copy = *io();
            boost::asio::post(copy, std::move(function));
        } else {
            const boost::asio::any_io_executor copy = other();
            boost::asio::post(copy, std::move(function));
        }
    }

private:
    void look_beneath(const boost::asio::any_io_executor& executor)
    {
        namespace asio = boost::asio;
        if (auto* io = executor.target<io_executor>())
            where_.template emplace<io_executor>(*io);
        else
            where_ = std::make_unique<const asio::any_io_executor>(
                asio::prefer(executor, asio::execution::outstanding_work.tracked));
    }

    // On the heap: it is large, and a million may wait where there is an `io_context`.
    using any_other = std::unique_ptr<const boost::asio::any_io_executor>;
    const boost::asio::any_io_executor& other() const { return *std::get<any_other>(where_); }

    std::variant<std::monostate, io_executor, any_other> where_;
};

class waiter_registry;

namespace detail {

/// Storage for one posted handler, so that posting allocates nothing, and what is freed on another
/// thread helps that thread only.
struct post_storage {
    static constexpr std::size_t size = 48;

    alignas(std::max_align_t) unsigned char bytes[size];
};

} // namespace detail

/// An operation that waits. Owned by itself: it ends in `resumed`, in `dropped`, or by its context.
///
/// Threads: `wake` from any thread, once a wait. The virtual functions run on the operation's own
///          executor,
/// but for `dropped` and `context_shutdown`, which run where its context is destroyed.
class waiter {
public:
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    /// Hands `resumed` to the operation's executor, to be called there later.
    /// The waiter may be gone when this returns.
    void wake();

protected:
    template <class Executor>
    explicit waiter(const Executor& executor) : home_(executor)
    {
    }

    virtual ~waiter();

    /// Makes the waiter known to its context. False: the context is being destroyed already, and
    /// the operation must end without completing.
    [[nodiscard]] bool enlist();

    const home_executor& home() const noexcept { return home_; }

private:
    friend class waiter_registry;

    virtual void resumed() = 0;
    /// A posted wake-up was destroyed unrun. Gives back what the waiter was given, and ends it.
    virtual void dropped() noexcept = 0;
    /// The context is being destroyed. Ends the waiter if it is still parked; does nothing when a
    /// wake-up is under way, for that is dropped by itself.
    virtual void context_shutdown() noexcept = 0;

    struct resumption;

    home_executor home_;
    // Any thread wakes, and the context's own forgets it when it goes.
    std::atomic<waiter_registry*> registry_{nullptr};
    waiter* next_ = nullptr;
    waiter* previous_ = nullptr;
    waiter* next_woken_ = nullptr;
    bool on_own_thread_ = false; // in which of the registry's lists
    detail::post_storage storage_;
};

/// Every waiter whose handler belongs to this execution context.
///
/// Where one thread runs the context (`only_one_thread`), wake-ups wait in a line here, and one
/// posted handler resumes all of them, those that come meanwhile too: a wake-up is then two links
/// in a list instead of a turn of the scheduler, which looks for I/O each time. After a `turn` the
/// other handlers of the context come first.
class waiter_registry final : public boost::asio::execution_context::service {
public:
    static inline boost::asio::execution_context::id id;

    explicit waiter_registry(boost::asio::execution_context& context) : service(context) {}
    ~waiter_registry() override;

    bool add(waiter& w);
    void remove(waiter& w) noexcept;

    void only_one_thread(boost::asio::io_context& context) noexcept { one_thread_ = &context; }
    /// Any thread. False: not here, post it.
    bool resume_later(waiter& w);

private:
    /// Some of those who wait, and what keeps `run` from returning meanwhile.
    struct list {
        void add(waiter& w);
        void remove(waiter& w) noexcept;

        waiter* head = nullptr;
        std::size_t io_waiters = 0;
        std::optional<boost::asio::executor_work_guard<home_executor::io_executor>> work;
    };
    class resuming;
    struct resume_all;

    void shutdown() override;
    void shut_down(list& waiters) noexcept;
    bool on_own_thread() const noexcept;
    void resume_woken();
    void post_resume_all();

    turn own_turn_;
    list own_; // of the one thread there is, where there is only one; nobody else touches it
    short_mutex mutex_;
    list others_; // the others
    waiter* first_woken_ = nullptr;
    waiter* last_woken_ = nullptr;
    bool resuming_ = false; // the handler is posted, or runs
    bool down_ = false;
    std::atomic<boost::asio::io_context*> one_thread_{nullptr};
    detail::post_storage storage_;
};

/// Says that one thread at a time runs this context, as it is with a `runner_pool`'s: wake-ups of
/// weir's operations there cost less then. Before operations begin to wait there.
void only_one_thread(boost::asio::io_context& context);

/// The part of a waiting operation that knows the handler: where it runs, its memory and its
/// cancellation.
///
/// `Derived` is created by `start` and ends itself by `complete` or `destroy`.
template <class Derived, class Handler, class IoExecutor>
class wait_operation : public waiter {
public:
    using handler_executor = boost::asio::associated_executor_t<Handler, IoExecutor>;

    /// Allocates the operation with the handler's allocator.
    template <class... Args>
    static Derived* create(Handler&& handler, const IoExecutor& io, Args&&... args);

    void destroy() noexcept;

protected:
    wait_operation(Handler&& handler, const IoExecutor& io)
        : waiter(where(handler, io)), handler_(std::move(handler))
    {
    }

    ~wait_operation() = default;

    /// `on_cancel` is called on the operation's executor, at most until it completes.
    /// Cancellation: all three types mean the same here, for nothing happens before the operation
    ///               succeeds.
    template <class OnCancel>
    void on_cancellation(OnCancel on_cancel)
    {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.assign([on_cancel](boost::asio::cancellation_type type) {
                if (type != boost::asio::cancellation_type::none)
                    on_cancel();
            });
    }

    /// Clears the slot, frees the operation, then calls the handler. On the operation's executor.
    template <class... Args>
    void complete(Args... args);

private:
    // A handler behind `any_completion_executor` has no context to post to: such an operation goes
    // on at the I/O executor first, and is dispatched from there.
    static constexpr bool posts_to_handler =
        std::is_convertible_v<handler_executor, boost::asio::any_io_executor>;

    static auto where(const Handler& handler, const IoExecutor& io)
    {
        if constexpr (posts_to_handler)
            return boost::asio::get_associated_executor(handler, io);
        else
            return io;
    }

    static auto allocator_for(const Handler& handler)
    {
        auto allocator = boost::asio::get_associated_allocator(
            handler, boost::asio::recycling_allocator<void>());
        return typename std::allocator_traits<decltype(allocator)>::template rebind_alloc<Derived>(
            allocator);
    }

    Handler handler_;
};

template <class Derived, class Handler, class IoExecutor>
template <class... Args>
Derived* wait_operation<Derived, Handler, IoExecutor>::create(Handler&& handler,
                                                              const IoExecutor& io, Args&&... args)
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

template <class Derived, class Handler, class IoExecutor>
void wait_operation<Derived, Handler, IoExecutor>::destroy() noexcept
{
    auto* self = static_cast<Derived*>(this);
    auto allocator = allocator_for(handler_);
    // Moved out first: a handler is often the last owner of a coroutine frame, whose destruction
    // may run anything, and by then this operation must be gone.
    [[maybe_unused]] Handler handler(std::move(handler_));
    self->~Derived();
    allocator.deallocate(self, 1);
}

template <class Derived, class Handler, class IoExecutor>
template <class... Args>
void wait_operation<Derived, Handler, IoExecutor>::complete(Args... args)
{
    auto* self = static_cast<Derived*>(this);
    auto slot = boost::asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected())
        slot.clear();
    auto allocator = allocator_for(handler_);
    Handler handler(std::move(handler_));
    self->~Derived();
    allocator.deallocate(self, 1);
    if constexpr (posts_to_handler)
        std::move(handler)(std::move(args)...);
    else
        boost::asio::dispatch(boost::asio::append(std::move(handler), std::move(args)...));
}

} // namespace weir
