#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/flow/detail/pool/block_cache.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/sync/event.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir::detail {

class job_claims;
class pool_state;
class worker;

/// A task as its pool sees it.
class task_base {
public:
    task_base() = default;
    task_base(const task_base&) = delete;
    task_base& operator=(const task_base&) = delete;
    virtual ~task_base() = default;

    virtual bool suspends() const noexcept = 0;
    virtual void run(job_context& context) = 0;
    virtual boost::asio::awaitable<void> start(job_context& context) = 0;
    /// Called once, by the pool, with how it ended. The callable goes before the outcome is there,
    /// for it may hold a permit; not that of an abandoned task, whose coroutine still uses it.
    virtual void finish(outcome<void>&& how) noexcept = 0;

    /// A worker is about to start it. False: it was cancelled, and must not be.
    bool begin(worker& w, job_id id) noexcept;
    /// It is to be begun again. Under the lock of its pool.
    void suspend() noexcept { flags_.fetch_and(~started); }
    cancel_reason asked() const noexcept { return asked_.load(); }

    /// From any thread. True: it runs, and its worker must be told: see `pool_state`.
    bool ask_to_end(cancel_reason reason) noexcept
    {
        cancel_reason before = cancel_reason::none;
        asked_.compare_exchange_strong(before, reason);
        const unsigned flags = flags_.fetch_or(cancelled);
        return (flags & started) != 0 && (flags & finished) == 0;
    }
    /// Under the lock of its pool; null when it has not started, or has ended.
    worker* runs_on() const noexcept
    {
        const unsigned flags = flags_.load();
        return (flags & started) != 0 && (flags & finished) == 0 ? worker_ : nullptr;
    }
    /// Its outcome is there, or will be in a moment.
    bool has_ended() const noexcept { return (flags_.load() & finished) != 0; }
    /// When it has started.
    job_id id() const noexcept { return id_; }

    /// Set and read by the limits that it waits for, under their lock.
    job_claims* held_back = nullptr;

    /// An abandoned task has ended after all.
    virtual void ended_late() noexcept = 0;

protected:
    static constexpr unsigned finished = 1;
    static constexpr unsigned dropped = 2;
    static constexpr unsigned taken = 4;
    static constexpr unsigned started = 8;
    static constexpr unsigned cancelled = 16;
    static constexpr unsigned one_claim = 32; // counted above the flags

    /// It has ended, its handle is gone, and no waiter is counted.
    static bool is_left_unclaimed(unsigned flags) noexcept
    {
        return (flags & ~(taken | started | cancelled)) == (finished | dropped);
    }

    std::atomic<unsigned> flags_{0};

private:
    worker* worker_ = nullptr; // these two are there when it is started
    job_id id_ = 0;
    std::atomic<cancel_reason> asked_{cancel_reason::none};
};

/// Asks the task's job to end: from any thread. True: it runs. Otherwise it has ended, or will not
/// begin.
bool cancel_task(pool_state& owner, task_base& task, cancel_reason reason);
/// The executor of handlers that have none of their own.
const std::shared_ptr<const own_any_executor>& home_of(const pool_state& owner) noexcept;

using unclaimed_hook = std::function<void(outcome<void>&&)>;

/// A task and its outcome: shared by the pool and the handle.
template <class R>
class task_state : public task_base {
public:
    explicit task_state(std::shared_ptr<const unclaimed_hook> hook) : hook_(std::move(hook)) {}

    /// The outcome is there from here on.
    void deliver(outcome<void>&& how) noexcept
    {
        const status s = how.status();
        if (s != status::ok)
            outcome_access::set_error(out_, outcome_access::thrown(how));
        outcome_access::end(out_, outcome_access::take_ticket(how), s, how.reason());
        const unsigned now = flags_.fetch_or(finished) | finished;
        done_.set();
        if (is_left_unclaimed(now))
            tell_unclaimed();
    }

    /// Happens when the outcome is there.
    static event done(const std::shared_ptr<task_state>& task) noexcept
    {
        return event(std::shared_ptr<event_state>(task, &task->done_));
    }
    bool is_done() const noexcept { return done_.is_set(); }

    /// Counts a waiter, which takes the outcome unless it gives up. One that took it stays counted.
    void claim() noexcept { flags_.fetch_add(one_claim); }
    void unclaim() noexcept
    {
        if (is_left_unclaimed(flags_.fetch_sub(one_claim) - one_claim))
            tell_unclaimed();
    }
    /// False: another wait took it.
    bool take(outcome<R>& out) noexcept
    {
        if ((flags_.fetch_or(taken) & taken) != 0)
            return false;
        out = std::move(out_);
        return true;
    }

    /// The handle is gone.
    void drop() noexcept
    {
        if (is_left_unclaimed(flags_.fetch_or(dropped) | dropped))
            tell_unclaimed();
    }

protected:
    /// What the function returned. Not when the pool has abandoned the task meanwhile: then its
    /// waiter may read the outcome.
    template <class Make>
    void keep_value(Make&& make)
    {
        if ((flags_.load(std::memory_order_relaxed) & finished) == 0)
            outcome_access::make_value(out_, std::forward<Make>(make));
    }

private:
    void tell_unclaimed() noexcept
    {
        if (out_.status() != status::failed || !hook_)
            return;
        std::exception_ptr error = out_.error();
        (*hook_)(outcome_access::make<void>(outcome_access::take_ticket(out_), status::failed,
                                            cancel_reason::none, std::move(error)));
    }

    std::shared_ptr<const unclaimed_hook> hook_;
    event_state done_;
    outcome<R> out_;
};

/// A wait for a task's outcome. Destroying it before it took the outcome gives the wait up.
template <class R>
class claim {
public:
    explicit claim(std::shared_ptr<task_state<R>> t) noexcept : task_(std::move(t))
    {
        task_->claim();
    }
    claim(claim&&) noexcept = default;
    claim& operator=(claim&&) = delete;
    ~claim() { give_up(); }

    event done() const noexcept { return task_state<R>::done(task_); }
    task_state<R>& task() const noexcept { return *task_; }
    const std::shared_ptr<task_state<R>>& shared() const noexcept { return task_; }
    void give_up() noexcept
    {
        if (const auto task = std::move(task_))
            task->unclaim();
    }
    /// False: another wait took it.
    bool take(outcome<R>& out) noexcept
    {
        const auto task = std::move(task_);
        return task->take(out);
    }

private:
    std::shared_ptr<task_state<R>> task_;
};

template <class Function>
inline constexpr bool takes_context = std::is_invocable_v<Function&, job_context&>;

template <class Function, bool TakesContext, bool TakesNothing>
struct returned_by {
    using type = void; // of a callable that will do for neither
};
template <class Function>
struct returned_by<Function, false, true> : std::invoke_result<Function&> {
};
template <class Function, bool TakesNothing>
struct returned_by<Function, true, TakesNothing> : std::invoke_result<Function&, job_context&> {
};

/// What a task pool asks of a callable, in words.
template <class Function>
struct task_callable {
    static constexpr bool takes_nothing = std::is_invocable_v<Function&>;
    static_assert(
        takes_context<Function> || takes_nothing,
        "weir::task_pool: a callable takes nothing, or a job_context&: bind its arguments");
    using returned = typename returned_by<Function, takes_context<Function>, takes_nothing>::type;
    static_assert(!boost::asio::is_deferred<returned>::value,
                  "weir::task_pool: a callable returns an operation that nothing starts: co_await "
                  "it in a coroutine");
    static_assert(!std::is_reference_v<awaited_t<returned>>,
                  "weir::task_pool: a callable returns a value: for a reference, return a pointer");
    static_assert(alignof(Function) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                  "weir::task_pool: a callable is not over-aligned: let it hold a pointer");
    /// `R` where it returns `R` or `awaitable<R>`.
    using value = std::remove_cvref_t<awaited_t<returned>>;
};

template <class Function>
using task_value = typename task_callable<Function>::value;

template <class Function>
class task_of final : public task_state<task_value<Function>> {
    using R = task_value<Function>;
    static constexpr bool is_coroutine = is_awaitable<typename task_callable<Function>::returned>;

public:
    task_of(Function f, std::shared_ptr<const unclaimed_hook> unclaimed)
        : task_state<R>(std::move(unclaimed)), function_(std::move(f))
    {
    }

    bool suspends() const noexcept override { return is_coroutine; }

    void finish(outcome<void>&& how) noexcept override
    {
        if (how.status() != status::abandoned)
            function_.reset();
        this->deliver(std::move(how));
    }
    void ended_late() noexcept override { function_.reset(); }

    void run([[maybe_unused]] job_context& context) override
    {
        if constexpr (!is_coroutine) {
            if constexpr (std::is_void_v<R>) {
                call(context);
                this->keep_value([] { return std::monostate(); });
            } else {
                this->keep_value([&] { return call(context); });
            }
        }
    }

    boost::asio::awaitable<void> start(job_context& context) override
    {
        if constexpr (is_coroutine && std::is_void_v<R>) {
            this->keep_value([] { return std::monostate(); }); // unless it turns out not to be ok
            return call(context);                              // without a coroutine around it
        } else {
            return start_and_keep(context);
        }
    }

private:
    boost::asio::awaitable<void> start_and_keep([[maybe_unused]] job_context& context)
    {
        if constexpr (is_coroutine && !std::is_void_v<R>) {
            auto operation = call(context);
            R value = co_await std::move(operation);
            this->keep_value([&value] { return std::move(value); });
        }
        co_return;
    }

    auto call([[maybe_unused]] job_context& context)
    {
        if constexpr (takes_context<Function>)
            return std::invoke(*function_, context);
        else
            return std::invoke(*function_);
    }

    std::optional<Function> function_;
};

/// Its memory is that of an earlier task, if there is one.
template <class Function>
auto make_task(Function&& function, const std::shared_ptr<const unclaimed_hook>& unclaimed)
{
    using own = task_of<std::decay_t<Function>>;
    using state = task_state<task_value<std::decay_t<Function>>>;
    return std::shared_ptr<state>(std::allocate_shared<own>(
        recycling_blocks<own>(), std::forward<Function>(function), unclaimed));
}

} // namespace weir::detail
