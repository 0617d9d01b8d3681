#pragma once

#include <weir/detail/home_executor.hpp>
#include <weir/detail/list.hpp>
#include <weir/detail/short_mutex.hpp>
#include <weir/detail/slot_request.hpp>
#include <weir/detail/turn.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

// The base of every waiting operation in weir. It keeps three rules, so that no primitive has to:
//
// * A waker only posts. The operation goes on where its own handler belongs (rule 4).
// * A waiter is registered with the context its handler belongs to. That context drops it when it
//   is destroyed first, so contexts, primitives and coroutines may go in any order (rule 10).
// * A wake-up that is destroyed before it ran reports that to its operation, which passes on what
//   it was given (rules 2 and 3).

namespace weir::detail {

class context_guest;
class waiter_registry;

/// Storage for one posted handler, so that posting allocates nothing. (Memory freed on another
/// thread would only be reused there.)
struct post_storage {
    static constexpr std::size_t size = 40; // what Asio makes of a handler of one pointer
    static constexpr std::size_t alignment = alignof(void*);

    alignas(alignment) unsigned char bytes[size];
};

/// An operation that waits. It owns itself, and ends in `resumed`, in `dropped`, or with its
/// context.
///
/// Threads: `wake` from any thread, once a wait. The virtual functions run on the operation's own
///          executor, except `dropped` and `context_shutdown`, which run where its context is
///          destroyed.
class waiter : private list_node<>, private chain_node<> {
public:
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    /// Has `resumed` called on the operation's executor, later. The waiter may be gone when this
    /// returns.
    void wake();

protected:
    template <class Executor>
    explicit waiter(const Executor& executor) : home_(executor)
    {
    }

    virtual ~waiter();

    /// Registers the waiter with its context. False: the context is being destroyed already, and
    /// the operation must end without completing.
    [[nodiscard]] bool enlist();

    const home_executor& home() const noexcept { return home_; }

    /// From here on `cancelled` is called when the slot asks for it.
    void listen(boost::asio::cancellation_slot slot);
    template <class Slot>
    void listen_to(Slot slot)
    {
        slot.template emplace<slot_request<waiter>>(*this);
    }

private:
    friend class waiter_registry;
    friend class list<waiter>;
    friend class chain<waiter>;
    friend class slot_request<waiter>;

    virtual void resumed() = 0;
    /// The slot asked for it. Only for a waiter that listens to one.
    virtual void cancelled() {}
    /// A posted wake-up was destroyed before it ran. Gives back what the waiter was given, and ends
    /// it.
    virtual void dropped() noexcept = 0;
    /// The context is being destroyed. Ends the waiter if it is still parked. Does nothing while a
    /// wake-up is under way, because that one is dropped separately.
    virtual void context_shutdown() noexcept = 0;

    struct resumption;

    [[no_unique_address]] home_executor home_; // in its padding:
    bool on_own_thread_ = false;               // which of the registry's groups it is in
    std::atomic<bool> posted_{false};          // the wake-up is in a queue, or in line
    std::atomic<waiter_registry*> registry_{nullptr};
    slot_request<waiter>* request_ = nullptr; // in the handler's slot
    post_storage storage_;
};

/// Every waiter whose handler belongs to this execution context, and every primitive with an
/// executor of it that must not outlive it.
///
/// Where one thread runs the context (`only_one_thread`), wake-ups wait in a line here, and one
/// posted handler resumes all of them, including those that arrive meanwhile. A wake-up then costs
/// two links in a list instead of a round of the scheduler, which looks for I/O each time. After a
/// `turn` the other handlers of the context come first. Only waiters on the bare executor of the
/// context stand in that line: a strand, or an executor of the user's, may promise more.
class waiter_registry final : public boost::asio::execution_context::service {
public:
    static inline boost::asio::execution_context::id id;

    explicit waiter_registry(boost::asio::execution_context& context);
    [[gnu::cold]] ~waiter_registry() override;

    /// False: the context is being destroyed, and the waiter was not added.
    bool add(waiter& w);
    void remove(waiter& w) noexcept;

    /// False: the context is being destroyed.
    bool add(context_guest& guest) noexcept;
    static void remove(context_guest& guest) noexcept;

    void only_one_thread(boost::asio::io_context& context) noexcept { one_thread_ = &context; }
    bool is_run_by_one_thread() const noexcept { return one_thread_.load() != nullptr; }
    /// Takes that back. No thread runs the context meanwhile.
    void any_threads() noexcept;
    /// From any thread, for a waiter on the context's bare executor. False: this context has no
    /// line; post the wake-up.
    bool resume_later(waiter& w);

private:
    /// Some of the waiters, and the work that keeps `run` from returning while they wait.
    struct group {
        void add(waiter& w);
        void remove(waiter& w) noexcept;
        void take_over(group& other) noexcept;

        list<waiter> waiters;
        std::size_t io_waiters = 0;
        std::optional<boost::asio::executor_work_guard<home_executor::io_executor>> work;
    };
    class resuming;
    struct resume_all;

    friend class waiter;

    /// While it lives, the destruction of the context waits.
    class posting;

    [[gnu::cold]] void shutdown() override;
    bool is_to_be_posted(group& waiting, waiter& w) noexcept;
    [[gnu::cold]] void shut_down(group& waiting) noexcept;
    void shut_down_guests() noexcept;
    bool on_own_thread() const noexcept;
    void resume_woken();
    void post_resume_all();

    turn own_turn_;
    group own_; // registered on the context's only thread, and used by no other
    short_mutex mutex_;
    group others_;
    chain<waiter> woken_;
    // Under a mutex of all registries:
    list<context_guest> guests_;
    context_guest* told_ = nullptr; // that the context is gone, by this thread:
    const void* teller_ = nullptr;
    bool guests_are_gone_ = false;
    bool resuming_ = false; // the handler is posted, or runs
    bool down_ = false;
    std::atomic<boost::asio::io_context*> one_thread_{nullptr};
    std::atomic<std::size_t> posting_{0}; // threads that need the context a moment longer
    post_storage storage_;
};

/// Declares that one thread at a time runs this context, as in a `runner_pool`. Wake-ups of weir's
/// operations then cost less there. Call it before operations begin to wait there.
void only_one_thread(boost::asio::io_context& context);

/// Takes that back: from here on any number of threads may run the context. Call it while none
/// does; operations may wait there.
void any_threads(boost::asio::io_context& context) noexcept;

} // namespace weir::detail
