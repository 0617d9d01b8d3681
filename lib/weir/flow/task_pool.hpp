#pragma once

#include <weir/flow/detail/pool/block_cache.hpp>
#include <weir/flow/detail/pool/submit.hpp>
#include <weir/flow/detail/pool/task_state.hpp>
#include <weir/flow/detail/pool/worker_loop.hpp>
#include <weir/flow/detail/pool/worker_pool_state.hpp>
#include <weir/flow/drain_report.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/pool_options.hpp>
#include <weir/flow/pool_stats.hpp>
#include <weir/flow/task.hpp>
#include <weir/run/runner_pool.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

namespace detail {
class task_pool_state;
template <class R>
struct initiate_task;
template <class R>
struct initiate_run;
} // namespace detail

/// Runs any callable, at most so many at a time: submit it, and await its outcome.
///
/// Shape: a callable takes nothing, or a `job_context&`, and returns `R`, or `awaitable<R>` when it
///        is a coroutine. `async_run` submits it and waits for its outcome; `async_submit` waits
///        for a place only, and gives a `task<R>` to ask for the outcome later, or never.
/// Units: the options are those of a `worker_pool`, but that its limit may be `unlimited`: then
///        nothing waits, and every job is started as it comes. There are no results to receive.
/// Errors: an exception is the job's outcome. One whose task was dropped unasked goes to the hook.
/// Threads: submit, close, stop and read the ledger from any thread. A job runs on one of the
///          pool's executors, each of which is serial.
/// Cancellation: `stop` reaches every running job; a time-out or a deadline, the job whose time is
///               over.
/// Lifetime: destroying it stops it: what waits is dropped, what runs is cancelled. It does not
///           wait for that: `co_await drain(...)` first where a job uses what is about to go.
/// Memory: a waiting job costs one allocation with its callable; a running one that is unlimited,
///         a coroutine.
class task_pool {
public:
    using executor_type = boost::asio::any_io_executor;
    /// Called with a job that failed and whose task nobody asks any more. Must not throw.
    using unclaimed_hook = std::function<void(outcome<void>&&)>;

    /// Jobs are spread over the runners.
    task_pool(runner_pool& runners, const pool_options& options,
              unclaimed_hook on_unclaimed = nullptr);
    /// Over executors of your own. Each is serial: one thread, or a strand.
    task_pool(std::vector<executor_type> executors, const pool_options& options,
              unclaimed_hook on_unclaimed = nullptr);
    task_pool(const task_pool&) = delete;
    task_pool& operator=(const task_pool&) = delete;
    ~task_pool();

    executor_type get_executor() const;

    /// Submits a callable, waiting for a place in the queue.
    ///
    /// Completion: `void(error_code, task<R>)`
    /// Errors: `errc::closed`; `errc::full` when the queue is full and the pool rejects;
    ///         `errc::timed_out` when the job's deadline came first;
    ///         `boost::asio::error::operation_aborted` when cancelled while waiting. The callable
    ///         was not called then, and is destroyed.
    /// Cancellation: terminal, partial and total end the waiting for a place. A job that was
    ///               accepted stays accepted.
    /// Handler: by its associated executor, never inside this call.
    template <class Function, class Token = default_token<executor_type>>
    requires(!std::same_as<std::remove_cvref_t<Token>, job_options>) auto async_submit(
        Function function, Token&& token = Token())
    {
        return async_submit(std::move(function), job_options(), std::forward<Token>(token));
    }

    /// The same, with something said about the job.
    template <class Function, class Token = default_token<executor_type>>
    auto async_submit(Function function, job_options options, Token&& token = Token())
    {
        using R = detail::task_value<Function>;
        return boost::asio::async_initiate<Token, void(error_code, task<R>)>(
            detail::initiate_task<R>(state_), token, make(std::move(function)), std::move(options));
    }

    /// Submits a callable and waits until it has ended.
    ///
    /// Completion: `void(error_code, outcome<R>)`
    /// Errors: as `async_submit`'s: the job was not accepted.
    /// Cancellation: terminal, partial and total, while it waits for a place: it is not accepted
    ///               then. Afterwards the wait ends with `operation_aborted` and the job goes on.
    /// Handler: by its associated executor, never inside this call.
    template <class Function, class Token = default_token<executor_type>>
    requires(!std::same_as<std::remove_cvref_t<Token>, job_options>) auto async_run(
        Function function, Token&& token = Token())
    {
        return async_run(std::move(function), job_options(), std::forward<Token>(token));
    }

    template <class Function, class Token = default_token<executor_type>>
    auto async_run(Function function, job_options options, Token&& token = Token())
    {
        using R = detail::task_value<Function>;
        return boost::asio::async_initiate<Token, void(error_code, outcome<R>)>(
            detail::initiate_run<R>(state_), token, make(std::move(function)), std::move(options));
    }

    /// Submits when there is a place now; never waits. An empty task when there is none, or the
    /// pool is closed.
    template <class Function>
    task<detail::task_value<Function>> try_submit(Function function,
                                                  const job_options& options = job_options());

    /// No more jobs. Those accepted are still done.
    void close();
    /// Ends now: no more jobs, those waiting are dropped, those running are cancelled. Each still
    /// has its outcome.
    void stop(cancel_reason reason = cancel_reason::shutdown);
    /// Closes, and waits until every job has ended: by themselves within `limit`, then cancelled,
    /// and after the grace given up.
    boost::asio::awaitable<drain_report> drain(duration limit);

    /// Changes how many jobs run at a time. Nothing is interrupted.
    void resize(limit jobs);
    limit workers() const noexcept;

    weir::ledger ledger() const;
    pool_stats stats() const;

private:
    template <class Function>
    auto make(Function&& function) const
    {
        using own = detail::task_of<std::decay_t<Function>>;
        using state = detail::task_state<detail::task_value<std::decay_t<Function>>>;
        return std::shared_ptr<state>(std::allocate_shared<own>(
            detail::recycling_blocks<own>(), std::forward<Function>(function), unclaimed_));
    }

    std::shared_ptr<const detail::unclaimed_hook> unclaimed_;
    std::shared_ptr<detail::task_pool_state> state_;
};

} // namespace weir

#include <weir/flow/detail/pool/task_pool_state.hpp>
