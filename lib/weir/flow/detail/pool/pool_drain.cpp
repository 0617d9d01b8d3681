#include <weir/flow/detail/pool/pool_state.hpp>

// A pool's end, and its accounts. A part of `pool_state`, in a file of its own: a program that does
// not ask for them does not link them.

#include <weir/error.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>

#include <cstddef>
#include <mutex>
#include <tuple>
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

asio::awaitable<drain_report> pool_state::drain(std::shared_ptr<pool_state> pool, duration timeout)
{
    const duration grace = pool->options_.grace();
    pool->close();
    bool over = co_await pool->all_left(timeout);
    if (!over) {
        pool->stop(cancel_reason::shutdown);
        over = co_await pool->all_left(grace);
    }
    if (!over) {
        pool->on_each_worker([](pool_state& own, worker& w) { own.abandon(w); });
        over = co_await pool->all_left(grace);
    }
    if (!over) { // the outcomes are not received: stop waiting for that, too
        pool->close_results();
        co_await pool->all_left(grace);
    }
    drain_report report;
    report.ledger = pool->read();
    report.complete = report.ledger.balanced();
    report.unfinished = pool->accounts_.unfinished();
    co_return report;
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
        residents_.for_each([&sum](const worker& w) { w.counts.add_starts_to(sum); });
        temporary_counters_.add_starts_to(sum);
    }
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
