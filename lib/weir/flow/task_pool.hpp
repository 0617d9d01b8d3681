#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/flow/detail/pool/task_pool_state.hpp>
#include <weir/flow/detail/pool/task_state.hpp>
#include <weir/flow/drain_report.hpp>
#include <weir/flow/explain.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/pool_options.hpp>
#include <weir/flow/pool_stats.hpp>
#include <weir/flow/task.hpp>
#include <weir/run/runner_pool.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {
namespace detail {

class task_intake;

} // namespace detail

/// Runs any callable, at most as many at a time as its options allow: submit it, and await its
/// outcome.
///
/// Shape: a callable takes nothing, or a `job_context&`, and returns `R`, or `awaitable<R>` when it
///        is a coroutine. `async_run` submits it and waits for its outcome; `async_submit` waits
///        for a place only, and gives a `task<R>` that can be asked for the outcome later, or
///        never. `as_jobs` makes the calls of a loop its jobs.
/// Units: the options are those of a `worker_pool`, except that the limit may be `unlimited`: then
///        nothing waits, and every job starts as it comes. There are no results to receive.
/// Errors: an exception is the job's outcome. A failure whose task was destroyed goes to
///         `on_unclaimed`.
/// Cancellation: `stop` reaches every running job; a timeout or a deadline the one job whose time
///               is over.
/// Threads: submit, close, stop and read the ledger from any thread. A job runs on one of the
///          pool's executors, where that is known to be serial (a runner's, a strand, or one given
///          through `assume_serial`): plain callables then run one at a time on each, whatever the
///          limit. Over any other executor each worker has a strand of its own.
/// Lifetime: destroying the pool stops it: queued jobs are dropped, running ones are cancelled. The
///           destructor does not wait for them: `co_await drain(...)` or `drain_and_wait` first
///           when a job uses what is about to be destroyed. Threads of the pool's own are joined;
///           so it must not be destroyed on one of them.
/// Memory: a queued job costs one allocation, which holds its callable. Without a limit, each
///         running job costs one coroutine.
class task_pool {
public:
    using executor_type = boost::asio::any_io_executor;
    /// Called with a job that failed and whose task was destroyed. Must not throw.
    using unclaimed_hook = std::function<void(outcome<void>&&)>;

    /// On threads of its own: one per core, or one per worker when its jobs are `blocking`.
    explicit task_pool(const pool_options& options, unclaimed_hook on_unclaimed = nullptr);
    /// Spreads its jobs over the runners.
    task_pool(runner_pool& runners, const pool_options& options,
              unclaimed_hook on_unclaimed = nullptr);
    /// Over executors of your own, of any kind.
    task_pool(std::vector<executor_type> executors, const pool_options& options,
              unclaimed_hook on_unclaimed = nullptr);
    task_pool(const task_pool&) = delete;
    task_pool& operator=(const task_pool&) = delete;
    ~task_pool();

    executor_type get_executor() const;

    /// Submits a callable; waits for a place in the queue.
    ///
    /// Completion: `void(error_code, task<R>)`
    /// Errors: `errc::closed`; `errc::full` when the queue is full and the pool rejects;
    ///         `errc::timed_out` when the job's deadline came first, `errc::not_in_time` when it
    ///         would (`reject_late`); `errc::too_large` for more bytes than the pool takes at all;
    ///         `errc::no_memory`; `boost::asio::error::operation_aborted` when cancelled while
    ///         waiting. The callable was not called then, and is destroyed.
    /// Cancellation: terminal, partial and total end the wait for a place. An accepted job stays
    ///               accepted.
    /// Handler: on its associated executor, never inside this call.
    template <class Function, class Token = default_token<executor_type>>
    requires(!std::same_as<std::remove_cvref_t<Token>, job_options>) WEIR_NODISCARD_OPERATION
        auto async_submit(Function function, Token&& token = Token())
    {
        return async_submit(std::move(function), job_options(), std::forward<Token>(token));
    }

    /// The same for a job with a name, a key or a deadline.
    template <class Function, class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_submit(Function function, job_options options,
                                               Token&& token = Token())
    {
        using R = detail::task_value<Function>;
        return detail::initiate<void(error_code, task<R>)>(
            *state_, token, detail::start_task<R>(state_), make(std::move(function)),
            std::move(options));
    }

    /// Submits a callable and waits until it has ended.
    ///
    /// Completion: `void(error_code, outcome<R>)`
    /// Errors: as `async_submit`'s: the job was not accepted.
    /// Cancellation: terminal, partial and total; while it waits for a place, the job is not
    ///               accepted. Afterwards the wait ends with `operation_aborted` and the job goes
    ///               on, or is cancelled if its options say `cancel_with_run`.
    /// Handler: on its associated executor, never inside this call.
    template <class Function, class Token = default_token<executor_type>>
    requires(!std::same_as<std::remove_cvref_t<Token>, job_options>) WEIR_NODISCARD_OPERATION
        auto async_run(Function function, Token&& token = Token())
    {
        return async_run(std::move(function), job_options(), std::forward<Token>(token));
    }

    template <class Function, class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_run(Function function, job_options options,
                                            Token&& token = Token())
    {
        using R = detail::task_value<Function>;
        const auto rule = options.cancels_with_run() ? detail::when_cancelled::cancel_job
                                                     : detail::when_cancelled::leave_job;
        return detail::initiate<void(error_code, outcome<R>)>(
            *state_, token, detail::start_run<R>(state_, rule), make(std::move(function)),
            std::move(options));
    }

    /// Submits when there is a place now; never waits. An empty task when there is none, or the
    /// pool is closed.
    template <class Function>
    [[nodiscard("it is the only way to the outcome, and empty when the job was not "
                "accepted")]] task<detail::task_value<Function>>
    try_submit(Function function, const job_options& options = job_options());

    /// No more jobs. Accepted ones are still run.
    void close();
    /// Ends now: no more jobs, queued ones are dropped, running ones are cancelled. Each still has
    /// its outcome.
    void stop(cancel_reason reason = cancel_reason::shutdown);
    /// Closes, and waits until every job has ended: by itself within `timeout`, then cancelled, and
    /// abandoned after the grace period: one limit, one grace.
    ///
    /// Errors: the report says what did not end well. When a thread is blocked, or does not run its
    ///         context, the report comes up to 100 ms later, and lists what still runs.
    boost::asio::awaitable<drain_report> drain(duration timeout);
    /// The same for a thread outside the pool, such as `main`: blocks it.
    ///
    /// Errors: throws `std::logic_error` on a thread that runs one of the pool's executors.
    drain_report drain_and_wait(duration timeout);

    /// Changes how many jobs run at a time. Running jobs are not interrupted. Throws
    /// `std::invalid_argument` for more than a `blocking()` pool has threads.
    void resize(limit workers);
    limit workers() const noexcept;
    /// How many jobs it accepts at a time, workers and queue together: what a loop over `as_jobs`
    /// may have under way while none of its calls waits for a place.
    limit places() const noexcept;

    weir::ledger ledger() const;
    pool_stats stats() const;

private:
    friend struct detail::pool_access;
    friend class detail::task_intake;

    task_pool(detail::pool_threads own, const pool_options& options, unclaimed_hook on_unclaimed);

    template <class Function>
    auto make(Function&& function) const
    {
        return detail::make_task(std::forward<Function>(function), unclaimed_);
    }

    std::shared_ptr<const detail::unclaimed_hook> unclaimed_;
    std::shared_ptr<runner_pool> threads_; // if it has its own
    std::shared_ptr<detail::task_pool_state> state_;
};

// -------------------------------------------------------------------------------------------------

template <class Function>
task<detail::task_value<Function>> task_pool::try_submit(Function function,
                                                         const job_options& options)
{
    using R = detail::task_value<Function>;
    std::shared_ptr<detail::task_state<R>> made = make(std::move(function));
    detail::task_pointer job = made;
    const auto result = state_->try_submit(std::move(job), options);
    if (!result)
        return task<R>();
    return detail::task_access::make<R>(result.id(), state_, std::move(made));
}

} // namespace weir
