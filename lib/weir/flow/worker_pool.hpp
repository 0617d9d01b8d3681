#pragma once

#include <weir/error.hpp>
#include <weir/flow/detail/pool_core.hpp>
#include <weir/flow/drain_report.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/ledger.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/worker_pool_options.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/sync/channel.hpp>
#include <weir/time/turn.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// What became of a job that was submitted: accepted under a number, or handed back with the
/// reason.
template <class Job>
class [[nodiscard]] submit_result {
public:
    explicit submit_result(job_id id) : id_(id) {}
    submit_result(error_code error, Job&& job) : error_(error), job_(std::move(job)) {}

    /// True: accepted. The job will have exactly one outcome.
    explicit operator bool() const noexcept { return !error_; }
    const error_code& error() const noexcept { return error_; }
    /// The number its outcome will carry; 0 when rejected.
    job_id id() const noexcept { return id_; }
    /// The job, handed back. Only when rejected.
    Job& job() & { return job_.value(); }
    Job&& job() && { return std::move(job_).value(); }

private:
    error_code error_;
    job_id id_ = 0;
    std::optional<Job> job_;
};

namespace detail {

template <class Job, class R>
class typed_pool;
template <class Job, class R, class Handler>
class handled_pool;

template <class Job>
struct numbered_job {
    numbered_job(job_id i, Job&& j) : id(i), job(std::move(j)) {}

    job_id id;
    Job job;
};

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
template <class Job, class R>
class worker_pool {
public:
    using executor_type = boost::asio::any_io_executor;
    /// Called with an outcome that nobody will receive: the pool is gone, or its context was
    /// destroyed. Must not throw.
    using undelivered_hook = std::function<void(outcome<R>&&)>;

    /// Workers are spread over the runners.
    template <class Handler>
    worker_pool(runner_pool& runners, const worker_pool_options& options, Handler handler,
                undelivered_hook on_undelivered = nullptr)
        : worker_pool(runners.executors(), options, std::move(handler), std::move(on_undelivered))
    {
    }

    /// Over executors of your own. Each is serial: one thread, or a strand.
    template <class Handler>
    worker_pool(std::vector<executor_type> executors, const worker_pool_options& options,
                Handler handler, undelivered_hook on_undelivered = nullptr);

    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;
    ~worker_pool()
    {
        state_->stop(cancel_reason::shutdown);
        state_->close_results(); // nobody can receive any more: a worker must not wait for that
    }

    executor_type get_executor() const { return state_->first_executor(); }

    /// Submits a job, waiting for a place in the queue.
    ///
    /// Completion: `void(submit_result<Job>)`
    /// Errors: in the result, with the job: `errc::closed`; `boost::asio::error::operation_aborted`
    ///         when cancelled while waiting.
    /// Cancellation: terminal, partial and total; the job is handed back. One accepted stays
    ///               accepted.
    /// Handler: by its associated executor, never inside this call.
    template <class Token = default_token<executor_type>>
    auto async_submit(Job job, Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(submit_result<Job>)>(initiate_submit(state_),
                                                                            token, std::move(job));
    }

    /// Submits when there is a place now; never waits. `errc::full` or `errc::closed` otherwise.
    submit_result<Job> try_submit(Job job);

    /// The outcomes.
    channel<outcome<R>>& results() noexcept { return state_->results(); }

    /// No more jobs. Those accepted are still done.
    void close() noexcept { state_->close_intake(); }

    /// Ends now: no more jobs, those waiting are dropped, those running are cancelled. Each still
    /// has its outcome.
    void stop(cancel_reason reason = cancel_reason::shutdown) { state_->stop(reason); }

    /// Closes, and waits until every job has ended: by themselves within `limit`, then cancelled,
    /// and after the grace given up. Keep receiving the results meanwhile: those nobody receives
    /// hold their workers, and after the limit are given to the hook.
    boost::asio::awaitable<drain_report> drain(duration limit) { return state_->drain(limit); }

    weir::ledger ledger() const { return state_->read(); }

private:
    using state = detail::typed_pool<Job, R>;

    struct initiate_submit;

    std::shared_ptr<state> state_;
};

} // namespace weir

#include <weir/flow/detail/typed_pool.hpp>
