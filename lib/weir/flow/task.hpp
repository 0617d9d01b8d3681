#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/handler_wrapper.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/detail/own_executor.hpp>
#include <weir/error.hpp>
#include <weir/flow/detail/pool/task_state.hpp>
#include <weir/flow/job_id.hpp>
#include <weir/flow/outcome.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

#include <cassert>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir {
namespace detail {

struct task_access;

/// What the cancellation of a wait means for the job.
enum class when_cancelled {
    leave_job,
    cancel_job,
    cancel_and_end_with_job ///< at once, if that has not begun
};

template <class R, class Handler>
struct outcome_handler;

template <class R, class Handler>
void wait_for_outcome(const own_any_executor& executor, outcome_handler<R, Handler>&& taker);

/// Completes a wait for a task with its outcome.
template <class R, class Handler>
struct outcome_handler : handler_wrapper<Handler> {
    outcome_handler(Handler&& h, claim<R>&& c, when_cancelled r, std::shared_ptr<pool_state> in)
        : handler_wrapper<Handler>(std::move(h)), claimed(std::move(c)), rule(r)
    {
        if (rule != when_cancelled::leave_job)
            pool = std::move(in);
    }

    void operator()(error_code error)
    {
        if (error) {
            if (pool && ends_with_job() && error == boost::asio::error::operation_aborted)
                return wait_for_outcome(*home_of(*pool), std::move(*this));
            claimed.give_up();
            return std::move(this->handler)(error, outcome<R>());
        }
        outcome<R> out;
        if (!claimed.take(out))
            error = errc::taken;
        std::move(this->handler)(error, std::move(out));
    }

    // Cancels the job. True: the wait goes on until it has ended.
    bool ends_with_job()
    {
        const bool runs = cancel_task(*pool, claimed.task(), cancel_reason::requested);
        return rule == when_cancelled::cancel_and_end_with_job &&
               (runs || claimed.task().has_ended());
    }

    claim<R> claimed;
    when_cancelled rule;
    std::shared_ptr<pool_state> pool; // null where the job is left alone
};

template <class R, class Handler>
void wait_for_outcome(const own_any_executor& executor, outcome_handler<R, Handler>&& taker)
{
    event done = taker.claimed.done();
    event_access::wait(done, executor, std::move(taker));
}

} // namespace detail

/// A handle to a job that a `task_pool` has accepted.
///
/// Lifetime: may outlive its pool. Destroying it cancels nothing: the job goes on, and if it fails
///           then, its outcome goes to the pool's `on_unclaimed`.
/// Threads: any thread; one object by one thread at a time.
template <class R>
class WEIR_NODISCARD_TASK task {
public:
    /// A handle to no job.
    task() noexcept = default;
    task(task&&) noexcept = default;
    task& operator=(task&& other) noexcept
    {
        if (this != &other) {
            drop();
            id_ = other.id_;
            pool_ = std::move(other.pool_);
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~task() { drop(); }

    explicit operator bool() const noexcept { return state_ != nullptr; }
    job_id id() const noexcept { return id_; }
    /// The job has ended; its outcome can be had without waiting.
    bool is_done() const noexcept { return state_ && state_->is_done(); }

    /// Asks the job to end, as `job_options::token` does: one that has not started never does; a
    /// running coroutine's operation is cancelled (terminal), and a plain callable can ask its
    /// `job_context`. The outcome is `cancelled` then (`timed_out` for `cancel_reason::deadline`).
    /// A job that has ended, or that returns a value despite the request, is not affected. One that
    /// has not started has its outcome when a worker comes to it. Does nothing without a job.
    ///
    /// Threads: from any thread.
    void cancel(cancel_reason reason = cancel_reason::requested) const
    {
        if (state_ && reason != cancel_reason::none)
            detail::cancel_task(*pool_, *state_, reason);
    }

    /// Waits for the outcome, and takes it: once. Precondition: there is a job (asserted).
    ///
    /// Completion: `void(error_code, outcome<R>)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled; `errc::taken` when the
    ///         outcome was taken before.
    /// Cancellation: terminal, partial and total end the wait, not the job; the outcome may be
    ///               waited for again.
    /// Handler: on its associated executor.
    template <class Token = default_token<boost::asio::any_io_executor>>
    WEIR_NODISCARD_OPERATION auto async_outcome(Token&& token = Token())
    {
        assert(state_ && "weir::task: an empty task has no job, and no outcome to wait for");
        const auto start = [](const detail::own_any_executor& executor, auto&& handler,
                              std::shared_ptr<detail::task_state<R>> state) {
            using own_handler = std::decay_t<decltype(handler)>;
            detail::outcome_handler<R, own_handler> taker(
                std::move(handler), detail::claim<R>(std::move(state)),
                detail::when_cancelled::leave_job, nullptr);
            detail::wait_for_outcome(executor, std::move(taker));
        };
        return detail::initiate_shared<void(error_code, outcome<R>)>(detail::home_of(*pool_), token,
                                                                     start, state_);
    }

private:
    friend struct detail::task_access;

    void drop() noexcept
    {
        if (const auto state = std::move(state_))
            state->drop();
    }

    job_id id_ = 0;
    std::shared_ptr<detail::pool_state> pool_;
    std::shared_ptr<detail::task_state<R>> state_;
};

namespace detail {

/// Makes tasks, for pools.
struct task_access {
    template <class R>
    static task<R> make(job_id id, std::shared_ptr<pool_state> owner,
                        std::shared_ptr<task_state<R>> state) noexcept
    {
        task<R> made;
        made.id_ = id;
        made.pool_ = std::move(owner);
        made.state_ = std::move(state);
        return made;
    }
};

} // namespace detail

} // namespace weir
