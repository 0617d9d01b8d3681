#pragma once

#include <weir/detail/home_executor.hpp>
#include <weir/detail/short_mutex.hpp>
#include <weir/detail/turn.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

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

namespace weir::detail {

class waiter_registry;

/// Storage for one posted handler, so that posting allocates nothing, and what is freed on another
/// thread helps that thread only.
struct post_storage {
    static constexpr std::size_t size = 48;

    alignas(std::max_align_t) unsigned char bytes[size];
};

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

} // namespace weir::detail
