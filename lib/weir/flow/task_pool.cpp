#include <weir/flow/task_pool.hpp>

#include <weir/flow/detail/pool/task_pool_state.hpp>
#include <weir/flow/detail/pool/worker_loop.hpp>

#include <atomic>
#include <utility>

namespace weir {
namespace detail {
namespace {

/// Runs a task, for `worker_loop`: the task knows how.
struct task_work {
    static constexpr bool may_suspend = true;
    static constexpr bool may_be_plain = true;

    static bool begin(task_pointer& task, worker& w, job_id id) noexcept
    {
        return task->begin(w, id);
    }
    static cancel_reason asked(const task_pointer& task) noexcept { return task->asked(); }

    static bool suspends(const task_pointer& task) noexcept { return task->suspends(); }

    static auto start(task_pointer& task, job_context& context) { return task->start(context); }

    static void call(task_pointer& task, job_context& context, outcome<void>& out)
    {
        task->run(context);
        outcome_access::set_value(out, {});
    }

    static void ended_late(task_pointer& task) noexcept { task->ended_late(); }
};

} // namespace

bool task_base::begin(worker& w, job_id id) noexcept
{
    worker_ = &w;
    id_ = id;
    w.listen_to(asked_);
    return (flags_.fetch_or(started) & cancelled) == 0;
}

bool cancel_task(pool_state& owner, task_base& task, cancel_reason reason)
{
    const bool runs = task.ask_to_end(reason);
    if (runs)
        owner.cancel_running(task);
    else if (owner.limits() != nullptr)
        owner.limits()->cancelled(task);
    return runs;
}

const std::shared_ptr<const own_any_executor>& home_of(const pool_state& owner) noexcept
{
    return owner.home();
}

const job_options* task_pool_state::unless_empty(const job_options& options) noexcept
{
    const bool empty = options.name().empty() && options.key().empty() &&
                       options.deadline() == time_point::max() &&
                       !options.token().can_be_cancelled() && options.bytes() == 0;
    return empty ? nullptr : &options;
}

submit_result<task_pointer> task_pool_state::try_submit(task_pointer&& task,
                                                        const job_options& options)
{
    auto result = try_accept(std::move(task), options);
    if (!result)
        reject();
    return result;
}

submit_result<task_pointer> task_pool_state::try_accept(task_pointer&& task,
                                                        const job_options& options)
{
    if (!workers().is_unlimited() || limits() != nullptr) {
        auto result = detail::try_accept(*this, unless_empty(options), std::move(task));
        look_again();
        return result;
    }
    ticket number = next_ticket(unless_empty(options));
    const job_id id = number.id;
    numbered_job<task_pointer> item(std::move(number), std::move(task));
    if (run_beside(executor_type(), std::move(item), nullptr))
        return submit_result<task_pointer>(id);
    return submit_result<task_pointer>(errc::closed, std::move(item.job));
}

void task_pool_state::resize(limit workers)
{
    pool_state::resize(workers);
    look_again();
}

// A submitter puts its job into the queue and then looks at the limit; this looks at the queue
// after the limit was set. One of them sees the other.
void task_pool_state::run_what_waits()
{
    const auto self = shared_from_this();
    const moving_jobs moving(*this);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    while (auto job = jobs().try_receive()) {
        try {
            run_accepted(std::move(*job));
        } catch (...) { // no memory for a worker, which drops the job if it has it
            if (job->job)
                drop(std::move(*job));
        }
    }
}

} // namespace detail

task_pool::task_pool(const pool_options& options, unclaimed_hook on_unclaimed)
    : task_pool(detail::own_threads(options, !options.is_blocking()), options,
                std::move(on_unclaimed))
{
}

task_pool::task_pool(detail::pool_threads own, const pool_options& options,
                     unclaimed_hook on_unclaimed)
    : task_pool(std::move(own.executors), options, std::move(on_unclaimed))
{
    if (!threads_) // else it has others, for jobs that block
        threads_ = std::move(own.runners);
}

task_pool::task_pool(runner_pool& runners, const pool_options& options, unclaimed_hook on_unclaimed)
    : task_pool(runners.executors(), options, std::move(on_unclaimed))
{
}

task_pool::task_pool(std::vector<executor_type> executors, const pool_options& options,
                     unclaimed_hook on_unclaimed)
{
    if (on_unclaimed)
        unclaimed_ = std::make_shared<const detail::unclaimed_hook>(std::move(on_unclaimed));
    if (options.is_blocking()) {
        detail::pool_threads own = detail::pool_state::threads_for_blocking(options);
        threads_ = std::move(own.runners);
        executors = std::move(own.executors);
    }
    using pool = detail::worker_loop<detail::task_pool_state, detail::task_work>;
    state_ = std::make_shared<pool>(detail::task_work(), std::move(executors), options);
    state_->start_workers();
}

task_pool::~task_pool()
{
    state_->stop(cancel_reason::shutdown);
}

task_pool::executor_type task_pool::get_executor() const
{
    return state_->get_executor();
}

void task_pool::close()
{
    state_->close();
}

void task_pool::stop(cancel_reason reason)
{
    state_->stop(reason);
}

boost::asio::awaitable<drain_report> task_pool::drain(duration timeout)
{
    return state_->drain(timeout);
}

drain_report task_pool::drain_and_wait(duration timeout)
{
    return state_->drain_and_wait(timeout);
}

void task_pool::resize(limit workers)
{
    state_->resize(workers);
}

limit task_pool::workers() const noexcept
{
    return state_->workers();
}

limit task_pool::places() const noexcept
{
    return state_->places();
}

ledger task_pool::ledger() const
{
    return state_->read();
}

pool_stats task_pool::stats() const
{
    return state_->stats();
}

} // namespace weir
