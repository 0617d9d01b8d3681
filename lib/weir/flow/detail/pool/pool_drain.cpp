#include <weir/flow/detail/pool/pool_state.hpp>

// A pool's end, and its accounts. A part of `pool_state`, in a file of its own: a program that does
// not ask for them does not link them.

#include <weir/detail/post_to.hpp>
#include <weir/detail/serial.hpp>
#include <weir/error.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace weir::detail {

namespace asio = boost::asio;

asio::awaitable<bool> pool_state::all_left(duration timeout)
{
    const time_point deadline = saturating_add(now(co_await asio::this_coro::executor), timeout);
    const auto ended =
        co_await workers_left_.async_wait_until(deadline, asio::as_tuple(asio::deferred));
    if (const error_code error = std::get<0>(ended); error && error != errc::timed_out)
        throw system_error(error);
    co_return workers_left_.count() == 0;
}

// What a thread that is not blocked does at once.
constexpr duration moment = std::chrono::milliseconds(50);

// Returns when each worker's thread has done it, or a moment later: one may be blocked.
asio::awaitable<void> pool_state::abandon_all()
{
    struct told {
        explicit told(std::shared_ptr<wait_group> all) : group(std::move(all)) { group->add(); }
        told(told&&) noexcept = default;
        told& operator=(told&&) = delete;
        ~told() // also when its context destroys it
        {
            if (group)
                group->done();
        }
        std::shared_ptr<wait_group> group;
    };
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto group = std::make_shared<wait_group>(executor);
    {
        const auto post = [&group](worker& w) {
            post_to(w.get_executor(),
                    [w = worker_pointer(&w), here = told(group)] { w->pool->abandon(*w); });
        };
        std::lock_guard lock(mutex_);
        residents_.for_each(post);
        temporaries_.for_each(post);
    }
    const time_point deadline = saturating_add(now(executor), moment);
    const auto done = co_await group->async_wait_until(deadline, asio::as_tuple(asio::deferred));
    if (const error_code error = std::get<0>(done); error && error != errc::timed_out)
        throw system_error(error);
}

asio::awaitable<drain_report> pool_state::drain(std::shared_ptr<pool_state> pool, duration timeout)
{
    pool->close();
    if (pool->limits_)
        pool->limits_->finish_by(saturating_add(now(co_await asio::this_coro::executor), timeout));
    bool over = co_await pool->all_left(timeout);
    if (!over) {
        pool->stop(cancel_reason::shutdown);
        over = co_await pool->all_left(pool->options_.grace());
    }
    if (!over) {
        co_await pool->abandon_all();
        // Outcomes that are not received must not hold their workers any more.
        pool->close_results();
        over = co_await pool->all_left(moment);
    }
    if (!over) // no thread comes to do it
        pool->drop_unfinished();
    drain_report report;
    report.ledger = pool->read();
    report.complete = report.ledger.balanced();
    report.unfinished = pool->accounts_.unfinished();
    if (!report.complete)
        report.running = pool->running_jobs(std::numeric_limits<std::size_t>::max());
    co_return report;
}

// An io_context of its own waits: the pool's threads may be blocked, or not run at all.
drain_report pool_state::drain_and_wait(duration timeout)
{
    if (runs_on_this_thread())
        throw std::logic_error("weir: drain_and_wait was called on a thread that runs the pool's "
                               "jobs, which would wait for itself: co_await drain there");
    asio::io_context here(1);
    drain_report report;
    std::exception_ptr error;
    const auto end = [&](const std::exception_ptr& thrown, drain_report&& drained) {
        error = thrown;
        report = std::move(drained);
    };
    asio::co_spawn(here, drain(timeout), end);
    here.run();
    if (error)
        std::rethrow_exception(error);
    return report;
}

bool pool_state::runs_on_this_thread() const
{
    std::lock_guard lock(mutex_);
    return std::any_of(executors_.begin(), executors_.end(), runs_here);
}

std::vector<running_job> pool_state::running_jobs(std::size_t most) const
{
    std::vector<running_job> jobs;
    const time_point at = current_time();
    const auto look = [&](const worker& w) {
        if (jobs.size() == most)
            return;
        running_job job = w.look(at, always_on_thread_);
        if (job.id != 0)
            jobs.push_back(std::move(job));
    };
    std::lock_guard lock(mutex_);
    residents_.for_each(look);
    temporaries_.for_each(look);
    return jobs;
}

// ---- the accounts

void pool_accounts::add_counts_to(ledger& sum) const noexcept
{
    for (std::size_t i = 0; i < elsewhere_.size(); ++i)
        add(sum, static_cast<status>(i), elsewhere_[i].load(std::memory_order_acquire));
}

void pool_accounts::add_times_to(pool_stats& stats) const
{
    std::lock_guard lock(mutex_);
    stats.queue_wait = queue_wait_.snapshot();
    stats.run_time = run_time_.snapshot();
}

std::vector<unfinished_job> pool_accounts::unfinished() const
{
    std::lock_guard lock(mutex_);
    std::vector<unfinished_job> copies;
    for (const auto& each : unfinished_)
        copies.push_back(*each);
    return copies;
}

// In the order opposite to the one in which things happen: what is read first can only have grown
// less.
ledger pool_state::read() const
{
    ledger sum;
    {
        std::lock_guard lock(mutex_);
        sum = past_;
        accounts_.add_counts_to(sum);
        temporary_counters_.add_ends_to(sum);
        residents_.for_each([&sum](const worker& w) { w.counts.add_ends_to(sum); });
        if (limits_)
            sum.retrying = limits_->sleeping(); // they were started, and have not ended
        residents_.for_each([&sum](const worker& w) { w.counts.add_starts_to(sum); });
        temporary_counters_.add_starts_to(sum);
    }
    if (limits_)
        sum.retries = limits_->retried();
    sum.accepted = accepted();
    accounts_.add_rest_to(sum);
    return sum;
}

pool_stats pool_state::stats() const
{
    pool_stats stats;
    stats.ledger = read();
    measure(stats);
    accounts_.add_times_to(stats);
    return stats;
}

} // namespace weir::detail
