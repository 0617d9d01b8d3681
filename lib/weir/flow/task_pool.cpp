#include <weir/flow/task_pool.hpp>

#include <utility>

namespace weir {
namespace detail {
namespace {

/// How a task is run: it knows itself.
struct task_work {
    static constexpr bool may_suspend = true;
    static constexpr bool may_run = true;

    static bool suspends(const task_pointer& job) noexcept { return job->suspends(); }

    static auto start(task_pointer& job, job_context& context) { return job->start(context); }

    static void call(task_pointer& job, job_context& context, outcome<void>& out)
    {
        job->run(context);
        out.set_value({});
    }
};

} // namespace

submit_result<task_pointer> task_pool_state::try_submit(task_pointer&& job, const job_options& said)
{
    if (!workers().is_unlimited())
        return detail::try_submit(*this, unless_empty(said), std::move(job));
    ticket number = next_ticket(unless_empty(said));
    const job_id id = number.id;
    numbered_job<task_pointer> item(std::move(number), std::move(job));
    if (run_as_guest(boost::asio::any_io_executor(), std::move(item), {}))
        return submit_result<task_pointer>(id);
    reject();
    return submit_result<task_pointer>(errc::closed, std::move(item.job));
}

} // namespace detail

task_pool::task_pool(runner_pool& runners, const pool_options& options, unclaimed_hook on_unclaimed)
    : task_pool(runners.executors(), options, std::move(on_unclaimed))
{
}

task_pool::task_pool(std::vector<executor_type> executors, const pool_options& options,
                     unclaimed_hook on_unclaimed)
{
    if (on_unclaimed)
        unclaimed_ = std::make_shared<const detail::unclaimed_hook>(std::move(on_unclaimed));
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
    return state_->first_executor();
}

void task_pool::close()
{
    state_->close();
}

void task_pool::stop(cancel_reason reason)
{
    state_->stop(reason);
}

boost::asio::awaitable<drain_report> task_pool::drain(duration limit)
{
    return state_->drain(limit);
}

void task_pool::resize(limit jobs)
{
    state_->resize(jobs);
}

limit task_pool::workers() const noexcept
{
    return state_->workers();
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
