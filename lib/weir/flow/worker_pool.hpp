#pragma once

#include <weir/default_token.hpp>
#include <weir/detail/nodiscard.hpp>
#include <weir/flow/detail/pool/job_handler.hpp>
#include <weir/flow/detail/pool/result_outlet.hpp>
#include <weir/flow/detail/pool/submit.hpp>
#include <weir/flow/detail/pool/worker_loop.hpp>
#include <weir/flow/drain_report.hpp>
#include <weir/flow/explain.hpp>
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
#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// Runs jobs of one type: K workers between a queue of jobs and a queue of outcomes. At most K jobs
/// run at a time, a bounded number wait, and further submitters wait for a place.
///
/// Shape: submit jobs with `async_submit`, receive one `outcome<R>` for each accepted job from
///        `results()`, in the order in which the jobs end. Call `close` when there are no more
///        jobs; `results()` ends when the last worker is done. A handler is called as `(Job)` or
///        `(Job&)`, with or without a `job_context&` behind it, and returns `R`, or
///        `awaitable<R>` when it is a coroutine. An exception is an outcome; it stops nothing.
/// Cancellation: `stop` reaches every running job, and a timeout the one job whose time is over.
/// Threads: submit, close, stop and read the ledger from any thread. Handlers of one worker run one
///          at a time; all workers share one handler object. Where an executor is known to be
///          serial (a runner's, a strand, or one given through `assume_serial`) its workers run
///          there, and plain handlers one at a time, however many workers there are. Over any other
///          executor each worker has a strand of its own.
/// Lifetime: destroying the pool stops it: queued jobs are dropped, running ones are cancelled. The
///           destructor does not wait for them: `co_await drain(...)` or `drain_and_wait` first
///           when a job uses what is about to be destroyed. Threads of the pool's own are joined;
///           so it must not be destroyed on one of them.
/// Fairness: jobs start in the order in which they were accepted (keys of `per_key` take turns).
///           Submitters that wait are accepted in the order in which they asked; two that ask at
///           the same time, from two threads or from executors that keep no order, have none.
/// Memory: a queued job costs its own bytes in the queue. One coroutine per worker.
///
/// `Jobs` and `Results` are the queues: `channel`s of the pool's own unless others are named, which
/// may be `asio_queue<C>`, where C is one of Asio's experimental channels, of `Job` or of
/// `outcome<R>`. Jobs in such a queue get their number when a worker takes them:
/// `submit_result::id` is 0, and they can have no `job_options`.
template <class Job, class R, class Jobs = channel<detail::numbered_job<Job>>,
          class Results = channel<outcome<R>>>
class worker_pool {
    static_assert(!std::is_reference_v<R>,
                  "weir::worker_pool: R is a value: for a reference, return a pointer");
    static_assert(std::is_same_v<typename Results::value_type, outcome<R>>,
                  "weir::worker_pool: the queue of results is one of outcome<R>, not of R");
    static_assert(std::is_same_v<typename Jobs::value_type, Job> ||
                      std::is_same_v<typename Jobs::value_type, detail::numbered_job<Job>>,
                  "weir::worker_pool: the queue of jobs is one of Job");

public:
    using executor_type = boost::asio::any_io_executor;
    /// Called with an outcome that will not be received, because the pool or the context is being
    /// destroyed. Must not throw.
    using undelivered_hook = std::function<void(outcome<R>&&)>;

    /// On threads of its own: for a plain handler one per worker, for coroutines one per core.
    template <class Handler>
    worker_pool(const pool_options& options, Handler handler,
                undelivered_hook on_undelivered = nullptr)
        : worker_pool(
              detail::own_threads(options, detail::job_handler<Job, R, Handler>::may_suspend),
              options, std::move(handler), std::move(on_undelivered))
    {
    }

    /// Spreads its workers over the runners.
    template <class Handler>
    worker_pool(runner_pool& runners, const pool_options& options, Handler handler,
                undelivered_hook on_undelivered = nullptr)
        : worker_pool(runners.executors(), options, std::move(handler), std::move(on_undelivered))
    {
    }

    /// Over executors of your own, of any kind.
    template <class Handler>
    [[gnu::cold]] worker_pool(std::vector<executor_type> executors, const pool_options& options,
                              Handler handler, undelivered_hook on_undelivered = nullptr);

    /// Over Asio channels of your own, for the jobs, the outcomes, or both; `own_queue()` stands
    /// for a queue that the pool makes. The pool uses them, and closes them when the time has come;
    /// docs/asio_channels.md says what your plain calls on them can rely on. They must outlive the
    /// pool. Throws `std::invalid_argument` for a single-threaded `experimental::channel` that is
    /// not used from one executor alone.
    template <class Handler, class JobsChannel, class ResultsChannel>
    [[gnu::cold]] worker_pool(std::vector<executor_type> executors, const pool_options& options,
                              Handler handler, JobsChannel&& jobs, ResultsChannel&& results,
                              undelivered_hook on_undelivered = nullptr);

    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;
    [[gnu::cold]] ~worker_pool();

    executor_type get_executor() const { return state_->get_executor(); }

    /// Submits a job; waits for a place in the queue.
    ///
    /// Completion: `void(submit_result<Job>)`
    /// Errors: in the result, with the job: `errc::closed`; `errc::full` when the queue is full and
    ///         the pool rejects; `errc::timed_out` when the job's deadline came first;
    ///         `errc::not_in_time` when it would (`pool_options::reject_late`);
    ///         `errc::too_large` for more bytes than the pool takes at all; `errc::no_memory`;
    ///         `boost::asio::error::operation_aborted` when cancelled while waiting.
    /// Cancellation: terminal, partial and total; the job is handed back. An accepted job stays
    ///               accepted, also one that the caller runs (`overflow::caller_runs`).
    /// Handler: on its associated executor, never inside this call.
    template <class Token = default_token<executor_type>>
    requires(!std::same_as<std::remove_cvref_t<Token>, job_options>) WEIR_NODISCARD_OPERATION
        auto async_submit(Job job, Token&& token = Token())
    {
        return detail::initiate<void(submit_result<Job>)>(
            *state_, token, detail::start_submit<state>(state_), std::move(job));
    }

    /// The same for a job with a name, a key or a deadline.
    template <class Token = default_token<executor_type>>
    WEIR_NODISCARD_OPERATION auto async_submit(Job job, job_options options,
                                               Token&& token = Token())
    {
        return detail::initiate<void(submit_result<Job>)>(*state_, token,
                                                          detail::start_submit<state>(state_),
                                                          std::move(job), std::move(options));
    }

    /// Submits when there is a place now; never waits. Else `errc::full` or `errc::closed`.
    [[nodiscard("a job that is not accepted is handed back")]] submit_result<Job>
    try_submit(Job job)
    {
        return detail::try_submit(*state_, nullptr, std::move(job));
    }
    [[nodiscard("a job that is not accepted is handed back")]] submit_result<Job>
    try_submit(Job job, const job_options& options)
    {
        return detail::try_submit(*state_, &options, std::move(job));
    }

    /// Submits from the front of `jobs` while there are places now; never waits. Returns how many
    /// were accepted: those are moved from; the others are unchanged, and do not count as rejected.
    /// Cheaper than one by one; each outcome carries its id.
    [[nodiscard("the jobs from this number on were not accepted")]] std::size_t
    try_submit_n(std::span<Job> jobs)
    {
        return detail::try_submit_n(*state_, jobs);
    }

    /// The outcomes.
    Results& results() noexcept { return state_->outlet().results(); }

    /// No more jobs. Accepted ones are still run.
    void close() { state_->close(); }

    /// Ends now: no more jobs, queued ones are dropped, running ones are cancelled. Each still has
    /// its outcome.
    void stop(cancel_reason reason = cancel_reason::shutdown) { state_->stop(reason); }

    /// Closes, and waits until every job has ended: by itself within `timeout`, then cancelled, and
    /// abandoned after the grace period: one limit, one grace. Keep receiving the results
    /// meanwhile: outcomes that are not received hold their workers, and go to the hook in the end.
    ///
    /// Errors: the report says what did not end well. When a thread is blocked, or does not run its
    ///         context, the report comes up to 100 ms later, and lists what still runs.
    boost::asio::awaitable<drain_report> drain(duration timeout) { return state_->drain(timeout); }
    /// The same for a thread outside the pool, such as `main`: blocks it.
    ///
    /// Errors: throws `std::logic_error` on a thread that runs one of the pool's executors.
    drain_report drain_and_wait(duration timeout) { return state_->drain_and_wait(timeout); }

    /// Changes how many jobs run at a time. More start at once; fewer as jobs end, for running jobs
    /// are not interrupted. With `paused` none starts until the next change, or until the pool
    /// stops. Throws `std::invalid_argument` for `unlimited`, and, as the constructor does, for
    /// more workers of a plain handler than can run at a time.
    void resize(limit workers) { state_->resize(detail::bounded(workers)); }
    limit workers() const noexcept { return state_->workers(); }

    weir::ledger ledger() const { return state_->read(); }
    pool_stats stats() const { return state_->stats(); }

private:
    friend struct detail::pool_access;

    using state = detail::pool_queues<Job, Jobs, detail::result_outlet<R, Results>>;

    template <class Handler>
    worker_pool(detail::pool_threads own, const pool_options& options, Handler handler,
                undelivered_hook on_undelivered)
        : worker_pool(std::move(own.executors), options, std::move(handler),
                      std::move(on_undelivered))
    {
        if (!threads_) // else it has others, for jobs that block
            threads_ = std::move(own.runners);
    }

    std::shared_ptr<runner_pool> threads_; // if it has its own
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
    using work = detail::job_handler<Job, R, Handler>;
    if (!work::may_suspend && options.is_blocking()) {
        detail::pool_threads own = state::threads_for_blocking(options);
        threads_ = std::move(own.runners);
        executors = std::move(own.executors);
    }
    state_ = std::make_shared<detail::worker_loop<state, work>>(
        work(std::move(handler), options.retries()), std::move(executors), options, jobs, results,
        std::move(on_undelivered));
    state_->start_workers();
}

template <class Job, class R, class Jobs, class Results>
worker_pool<Job, R, Jobs, Results>::~worker_pool()
{
    state_->stop(cancel_reason::shutdown);
    state_->close_results(); // they can no longer be received: a worker must not wait for that
    detail::disconnect(state_->jobs());
    detail::disconnect(results());
}

} // namespace weir
