#pragma once

#include <weir/flow/detail/pool/submit.hpp>
#include <weir/flow/detail/pool/worker_loop.hpp>
#include <weir/flow/detail/pool/worker_pool_state.hpp>
#include <weir/flow/drain_report.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/own_queue.hpp>
#include <weir/flow/pool_options.hpp>
#include <weir/flow/pool_stats.hpp>
#include <weir/flow/submit_result.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/sync/channel.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

namespace detail {

/// Throws `std::invalid_argument` when there is no limit: a worker is a coroutine.
limit bounded(limit workers);

} // namespace detail

/// K workers between a queue of jobs and a queue of outcomes: at most K jobs run at a time, a
/// bounded number wait, and who submits more waits with them.
///
/// Shape: `async_submit` jobs, receive `outcome<R>` from `results()`: one for each accepted job, in
///        the order in which they end. `close` when there are no more jobs; `results()` ends when
///        the last worker is done. A handler is called as `(Job)` or `(Job, job_context&)` and
///        returns `R`, or `awaitable<R>` when it is a coroutine. An exception is an outcome, not a
///        stop.
/// Threads: submit, close, stop and read the ledger from any thread. Handlers of one worker run on
///          one executor, which is serial; the handler object itself is shared by all workers.
/// Cancellation: `stop` reaches every running job; a time-out, the job whose time is over.
/// Lifetime: destroying it stops it: what waits is dropped, what runs is cancelled. It does not
///           wait for that: `co_await drain(...)` first where a job uses what is about to go.
/// Memory: a waiting job costs its own bytes in the queue. One coroutine a worker.
///
/// `Jobs` and `Results` are the queues: `channel`s of the pool's own unless others are named, which
/// may be `asio_queue<C>`, where C is one of Asio's experimental channels, of `Job` or of
/// `outcome<R>`. Jobs in such a queue are numbered when a worker takes them: `submit_result::id` is
/// 0, and nothing can be said about them (no `job_options`).
template <class Job, class R, class Jobs = channel<detail::numbered_job<Job>>,
          class Results = channel<outcome<R>>>
class worker_pool {
public:
    using executor_type = boost::asio::any_io_executor;
    /// Called with an outcome that nobody will receive: the pool is gone, or its context was
    /// destroyed. Must not throw.
    using undelivered_hook = std::function<void(outcome<R>&&)>;

    /// Workers are spread over the runners.
    template <class Handler>
    worker_pool(runner_pool& runners, const pool_options& options, Handler handler,
                undelivered_hook on_undelivered = nullptr)
        : worker_pool(runners.executors(), options, std::move(handler), std::move(on_undelivered))
    {
    }

    /// Over executors of your own. Each is serial: one thread, or a strand.
    template <class Handler>
    worker_pool(std::vector<executor_type> executors, const pool_options& options, Handler handler,
                undelivered_hook on_undelivered = nullptr);

    /// Over Asio channels of your own, for its jobs, its outcomes, or both: `own_queue()` stands
    /// for a queue that the pool makes. They are used, and closed when the time has come, by the
    /// pool; what your plain calls on them can rely on is in docs/asio_channels.md. They outlive
    /// the pool. Throws `std::invalid_argument` for a single-threaded `experimental::channel` that
    /// is not used from one executor alone.
    template <class Handler, class JobsChannel, class ResultsChannel>
    worker_pool(std::vector<executor_type> executors, const pool_options& options, Handler handler,
                JobsChannel&& jobs, ResultsChannel&& results,
                undelivered_hook on_undelivered = nullptr);

    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;
    ~worker_pool()
    {
        state_->stop(cancel_reason::shutdown);
        state_->close_results(); // nobody can receive any more: a worker must not wait for that
        state_->let_go();
    }

    executor_type get_executor() const { return state_->first_executor(); }

    /// Submits a job, waiting for a place in the queue.
    ///
    /// Completion: `void(submit_result<Job>)`
    /// Errors: in the result, with the job: `errc::closed`; `errc::full` when the queue is full and
    ///         the pool rejects; `errc::timed_out` when the job's deadline came first;
    ///         `boost::asio::error::operation_aborted` when cancelled while waiting.
    /// Cancellation: terminal, partial and total; the job is handed back. One accepted stays
    ///               accepted, also one that the caller runs (`overflow::caller_runs`).
    /// Handler: by its associated executor, never inside this call.
    template <class Token = default_token<executor_type>>
    requires(!std::same_as<std::remove_cvref_t<Token>, job_options>) auto async_submit(
        Job job, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(submit_result<Job>)>(
            detail::initiate_submit<state>(state_), token, std::move(job));
    }

    /// The same, with something said about the job.
    template <class Token = default_token<executor_type>>
    auto async_submit(Job job, job_options options, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(submit_result<Job>)>(
            detail::initiate_submit<state>(state_), token, std::move(job), std::move(options));
    }

    /// Submits when there is a place now; never waits. `errc::full` or `errc::closed` otherwise.
    submit_result<Job> try_submit(Job job)
    {
        return detail::try_submit(*state_, nullptr, std::move(job));
    }
    submit_result<Job> try_submit(Job job, const job_options& options)
    {
        return detail::try_submit(*state_, &options, std::move(job));
    }

    /// Submits from the front of `jobs` while there are places now; never waits. Returns how many
    /// were accepted: those are moved from; the others are as they were, and not counted as
    /// rejected. For who has many at a time: it costs less than one by one. Their numbers are told
    /// by their outcomes.
    std::size_t try_submit_n(std::span<Job> jobs) { return detail::try_submit_n(*state_, jobs); }

    /// The outcomes.
    Results& results() noexcept { return state_->results(); }

    /// No more jobs. Those accepted are still done.
    void close() { state_->close(); }

    /// Ends now: no more jobs, those waiting are dropped, those running are cancelled. Each still
    /// has its outcome.
    void stop(cancel_reason reason = cancel_reason::shutdown) { state_->stop(reason); }

    /// Closes, and waits until every job has ended: by themselves within `limit`, then cancelled,
    /// and after the grace given up. Keep receiving the results meanwhile: those nobody receives
    /// hold their workers, and after the limit are given to the hook.
    boost::asio::awaitable<drain_report> drain(duration limit) { return state_->drain(limit); }

    /// Changes how many jobs run at a time. More start at once; fewer as jobs end, for none is
    /// interrupted. `paused`: none starts until the next change, or until the pool is stopped.
    /// Throws `std::invalid_argument` for `unlimited`.
    void resize(limit workers) { state_->resize(detail::bounded(workers)); }
    limit workers() const noexcept { return state_->workers(); }

    weir::ledger ledger() const { return state_->read(); }
    pool_stats stats() const { return state_->stats(); }

private:
    using state = detail::worker_pool_state<Job, R, Jobs, Results>;

    std::shared_ptr<state> state_;
};

// -------------------------------------------------------------------------------------------------

template <class Job, class R, class Jobs, class Results>
template <class Handler>
worker_pool<Job, R, Jobs, Results>::worker_pool(std::vector<executor_type> executors,
                                                const pool_options& options, Handler handler,
                                                undelivered_hook on_undelivered)
    : worker_pool(std::move(executors), options, std::move(handler), own_queue(), own_queue(),
                  std::move(on_undelivered))
{
}

template <class Job, class R, class Jobs, class Results>
template <class Handler, class JobsChannel, class ResultsChannel>
worker_pool<Job, R, Jobs, Results>::worker_pool(std::vector<executor_type> executors,
                                                const pool_options& options, Handler handler,
                                                JobsChannel&& jobs, ResultsChannel&& results,
                                                undelivered_hook on_undelivered)
{
    detail::bounded(options.workers());
    using work = detail::handler_work<Job, R, Handler>;
    using pool = detail::worker_loop<state, work>;
    state_ = std::make_shared<pool>(work(std::move(handler)), std::move(executors), options, jobs,
                                    results, std::move(on_undelivered));
    state_->start_workers();
}

} // namespace weir
