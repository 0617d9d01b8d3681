#include <weir/flow/detail/pool_core.hpp>

#include <weir/policy/timeout.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <stdexcept>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

std::vector<asio::any_io_executor> checked(std::vector<asio::any_io_executor> executors)
{
    if (executors.empty())
        throw std::invalid_argument("weir::worker_pool: at least one executor is needed");
    return executors;
}

void add_to(ledger& sum, status s, std::uint64_t n) noexcept
{
    switch (s) {
    case status::ok:
        sum.ok += n;
        break;
    case status::failed:
        sum.failed += n;
        break;
    case status::cancelled:
        sum.cancelled += n;
        break;
    case status::timed_out:
        sum.timed_out += n;
        break;
    case status::dropped:
        sum.dropped += n;
        break;
    case status::abandoned:
        sum.abandoned += n;
        break;
    }
}

} // namespace

void tally::add_ends_to(ledger& sum) const noexcept
{
    for (std::size_t i = 0; i < ended_.size(); ++i)
        add_to(sum, static_cast<status>(i), ended_[i].load(std::memory_order_acquire));
    sum.late += late_.load(std::memory_order_acquire);
}

void worker::begin(job_id id) noexcept
{
    id_ = id;
    reason_ = cancel_reason::none;
    busy_ = true;
    counts.started();
}

status worker::end(bool has_value) noexcept
{
    busy_ = false;
    time_out.cancel();
    status s = status::failed;
    if (has_value)
        s = status::ok;
    else if (reason_ == cancel_reason::deadline)
        s = status::timed_out;
    else if (reason_ != cancel_reason::none)
        s = status::cancelled;
    counts.ended(s);
    return s;
}

void worker::cancel(cancel_reason reason)
{
    if (!busy_ || was_cancelled())
        return;
    reason_ = reason;
    signal.emit(asio::cancellation_type::terminal);
}

presence::~presence()
{
    if (pool_)
        pool_->left(*worker_);
}

pool_core::pool_core(std::vector<asio::any_io_executor> executors,
                     const worker_pool_options& options)
    : options_(options), executors_(checked(std::move(executors))),
      workers_left_(executors_.front())
{
}

void pool_core::start_workers()
{
    workers_left_.add(options_.workers());
    std::size_t entered = 0;
    try {
        for (; entered < options_.workers(); ++entered)
            start_worker(enter(executors_[entered % executors_.size()]));
    } catch (...) {
        workers_left_.done(options_.workers() - entered);
        throw;
    }
}

presence pool_core::enter(asio::any_io_executor executor)
{
    std::lock_guard lock(mutex_);
    worker& w = workers_.emplace_back(std::move(executor));
    w.present = true;
    return presence(shared_from_this(), w);
}

void pool_core::left(worker& w) noexcept
{
    {
        std::lock_guard lock(mutex_);
        w.present = false;
    }
    w.time_out.cancel();
    if (w.busy()) { // its context is being destroyed
        w.retire();
        w.counts.ended(status::abandoned);
        torn_down(w.id());
    } else if (w.retired()) {
        return; // another took its place long ago
    }
    workers_left_.done();
    if (workers_left_.count() == 0)
        close_results();
}

void pool_core::watch(worker& w)
{
    if (options_.time_out() == duration::max())
        return;
    const auto give_up_later = [this, &w] {
        w.cancel(cancel_reason::deadline);
        if (w.busy())
            w.time_out =
                alarm(w.get_executor(), saturating_add(now(w.get_executor()), options_.grace()),
                      [this, &w] { give_up(w); });
    };
    w.time_out = alarm(w.get_executor(), saturating_add(now(w.get_executor()), options_.time_out()),
                       give_up_later);
}

// The job would not end. Its worker is left behind with it, and another takes its place; the
// newcomer publishes the outcome, for publishing may have to wait.
void pool_core::give_up(worker& w)
{
    if (!w.busy())
        return;
    presence successor = enter(w.get_executor());
    const job_id id = w.id();
    const cancel_reason reason = w.reason();
    w.retire();
    w.counts.ended(status::abandoned);
    note_unfinished(id, status::abandoned);
    replace(std::move(successor), id, reason);
}

template <class Do>
void pool_core::on_each_worker(Do what)
{
    std::lock_guard lock(mutex_);
    for (worker& w : workers_)
        if (w.present)
            asio::post(w.get_executor(), [self = shared_from_this(), &w, what] { what(*self, w); });
}

void pool_core::stop(cancel_reason reason)
{
    cancel_reason before = cancel_reason::none;
    stopping_.compare_exchange_strong(before, reason);
    close_intake();
    on_each_worker([reason](pool_core&, worker& w) { w.cancel(reason); });
}

asio::awaitable<bool> pool_core::all_left(duration limit)
{
    auto wait = workers_left_.async_wait(asio::use_awaitable);
    try {
        co_await with_timeout(limit, std::move(wait));
    } catch (const system_error& e) {
        if (e.code() != errc::timed_out)
            throw;
    }
    co_return workers_left_.count() == 0;
}

asio::awaitable<drain_report> pool_core::drain(duration limit)
{
    const std::shared_ptr<pool_core> self = shared_from_this();
    close_intake();
    bool over = co_await all_left(limit);
    if (!over) {
        stop(cancel_reason::shutdown);
        over = co_await all_left(options_.grace());
    }
    if (!over) {
        on_each_worker([](pool_core& pool, worker& w) { pool.give_up(w); });
        over = co_await all_left(options_.grace());
    }
    if (!over) { // nobody takes the outcomes: nobody waits for that any more
        close_results();
        co_await all_left(options_.grace());
    }
    drain_report report;
    report.ledger = read();
    report.complete = report.ledger.balanced();
    std::lock_guard lock(mutex_);
    report.unfinished.assign(unfinished_.begin(), unfinished_.end());
    co_return report;
}

// In the order opposite to the one in which things happen: what is read first can only have grown
// less.
ledger pool_core::read() const
{
    ledger sum;
    {
        std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < elsewhere_.size(); ++i)
            add_to(sum, static_cast<status>(i), elsewhere_[i].load(std::memory_order_acquire));
        for (const worker& w : workers_)
            w.counts.add_ends_to(sum);
        for (const worker& w : workers_)
            w.counts.add_starts_to(sum);
    }
    sum.accepted = accepted();
    sum.rejected = rejected_.load(std::memory_order_relaxed);
    return sum;
}

void pool_core::note_unfinished(job_id id, status s)
{
    std::lock_guard lock(mutex_);
    unfinished_.push_back({id, s});
}

void pool_core::count_elsewhere(status s) noexcept
{
    elsewhere_[static_cast<std::size_t>(s)].fetch_add(1, std::memory_order_acq_rel);
}

} // namespace weir::detail
