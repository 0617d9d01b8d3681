#include <weir/flow/detail/pool/pool_state.hpp>

#include <weir/error.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

std::vector<asio::any_io_executor> checked(std::vector<asio::any_io_executor> executors)
{
    if (executors.empty())
        throw std::invalid_argument("weir: a pool needs at least one executor");
    return executors;
}

} // namespace

limit bounded(limit workers)
{
    if (workers.is_unlimited())
        throw std::invalid_argument(
            "weir::worker_pool: each worker is a coroutine, so there must be a limit; a task_pool "
            "may be unlimited");
    return workers;
}

pool_state::pool_state(std::vector<executor_type> executors, const pool_options& options)
    : options_(options), has_timeout_(options.timeout() != duration::max()),
      executors_(checked(std::move(executors))), live_at_(executors_.size()),
      workers_left_(executors_.front()), target_(options.workers().count())
{
    workers_left_.add();
    if (options_.on_stuck() && has_timeout_ && time_service::of(get_executor()).is_real())
        watch_for_stuck_jobs();
}

pool_state::~pool_state() = default;

// ---- workers come and go

void pool_state::start_workers()
{
    if (workers().is_unlimited()) // each job has a temporary worker
        return;
    std::vector<worker_guard> fresh;
    {
        std::lock_guard lock(mutex_);
        while (live_ < wanted() && !ended_)
            fresh.push_back(enter_resident());
    }
    for (worker_guard& here : fresh)
        start(std::move(here), beginning::at_once);
}

void pool_state::resize(limit workers)
{
    target_ = workers.count();
    start_workers();
    on_each_worker([](pool_state&, worker& w) { w.disturb(); });
}

void pool_state::one_worker_per_executor()
{
    std::vector<executor_type> distinct;
    for (executor_type& each : executors_)
        if (std::find(distinct.begin(), distinct.end(), each) == distinct.end())
            distinct.push_back(std::move(each));
    executors_ = std::move(distinct);
    live_at_.resize(executors_.size());
    useful_ = executors_.size();
}

// A worker's coroutine is made on its own executor: frames that two threads write to are then not
// neighbours in memory.
void pool_state::start(worker_guard here, beginning when)
{
    const executor_type home = here->get_executor();
    auto begin = [this, here = std::move(here)]() mutable { run(std::move(here)); };
    if (when == beginning::at_once)
        asio::dispatch(home, std::move(begin));
    else
        asio::post(home, std::move(begin));
}

// The three below under the mutex.

worker_guard pool_state::enter(worker_pointer w)
{
    w->pool = shared_from_this();
    list_of(*w).push_front(*w);
    workers_left_.add();
    return worker_guard(std::move(w));
}

// At the executor that has the fewest.
worker_guard pool_state::enter_resident()
{
    const auto fewest = std::min_element(live_at_.begin(), live_at_.end());
    const auto at = static_cast<std::size_t>(fewest - live_at_.begin());
    worker_pointer w = make_worker(worker::role::resident, executors_[at]);
    if (stuck_)
        w->let_watch();
    w->home = static_cast<std::uint32_t>(at);
    w->live = true;
    worker_guard here = enter(std::move(w));
    ++live_at_[at];
    ++live_;
    return here;
}

void pool_state::no_longer_live(worker& w) noexcept
{
    if (!w.live)
        return;
    w.live = false;
    --live_at_[w.home];
    --live_;
}

std::optional<worker_guard> pool_state::enter_temporary(worker_pointer w)
{
    if (stuck_)
        w->let_watch();
    std::lock_guard lock(mutex_);
    if (closing_)
        return std::nullopt;
    return enter(std::move(w));
}

bool pool_state::leave_if_too_many(worker& w) noexcept
{
    std::lock_guard lock(mutex_);
    // While the pool stops, a worker stays to drop what is queued.
    if (live_ <= wanted() || stopping() != cancel_reason::none)
        return false;
    no_longer_live(w);
    return true;
}

void pool_state::end_of_jobs() noexcept
{
    if (ended_.exchange(true))
        return;
    workers_left_.done();
    if (workers_left_.count() == 0)
        close_results();
}

void pool_state::left(worker& w) noexcept
{
    w.timeout.cancel();
    const bool counted = !w.retired(); // otherwise another took its place long ago
    if (w.busy()) {                    // its context is being destroyed
        w.retire();
        w.counts.ended(status::abandoned);
        lost(w, true);
    } else if (!w.leaving() && !w.retired()) {
        lost(w, false); // its context is being destroyed between two jobs
    }
    bool none_left = false;
    {
        std::lock_guard lock(mutex_);
        list_of(w).erase(w);
        if (!w.is_temporary()) {
            w.counts.add_ends_to(past_);
            w.counts.add_starts_to(past_);
            no_longer_live(w);
            none_left = live_ == 0;
        }
    }
    if (none_left && !w.leaving()) { // with its context goes the last worker that would take jobs
        close();
        drop_queued();
    }
    if (none_left && jobs_ended())
        end_of_jobs();
    if (counted)
        workers_left_.done();
    if (workers_left_.count() == 0)
        close_results();
}

template <class Do>
void pool_state::on_each_worker(Do what)
{
    const auto post_to = [&what](worker& w) {
        asio::post(w.get_executor(), [w = worker_pointer(&w), what] { what(*w->pool, *w); });
    };
    std::lock_guard lock(mutex_);
    residents_.for_each(post_to);
    temporaries_.for_each(post_to);
}

// ---- a job starts, ends, or runs out of time

status pool_state::begin_watched_job(worker& w, ticket& job, bool may_suspend)
{
    if (stopping() != cancel_reason::none) {
        w.counts.ended(status::dropped);
        note_unfinished(job.id, job.record.get(), status::dropped, time_queued(job));
        return status::dropped;
    }
    const time_point now = time_service::of(w.get_executor()).now();
    w.begin(job, now);
    if (job.record)
        job.record->times.started = job.record->times.finished = now;
    const time_point over = std::min(saturating_add(now, options_.timeout()), job.deadline());
    w.set_deadline(over);
    if (over <= now) {
        w.expire();
        return end_job(w, job, false);
    }
    if (watched_job* watched = w.watched())
        watched->set_name(w.name());
    if (may_suspend && over != time_point::max())
        set_timeout(w, over);
    return status::ok;
}

// First the job is cancelled; if it has not ended after the grace it is abandoned.
void pool_state::set_timeout(worker& w, time_point at)
{
    const auto expired = [this, &w] {
        w.cancel(cancel_reason::deadline);
        if (!w.busy())
            return;
        const time_point now = time_service::of(w.get_executor()).now();
        w.timeout = alarm(w.get_executor(), saturating_add(now, options_.grace()),
                          [this, &w] { abandon(w); });
    };
    w.timeout = alarm(w.get_executor(), at, expired);
}

// The job would not end. Its worker is left behind with it, and another takes its place, perhaps at
// another executor. The outcome is published from here, where nothing can come between.
void pool_state::abandon(worker& w)
{
    if (!w.busy())
        return;
    if (closing_)
        note_unfinished(w.id(), w.record(), status::abandoned,
                        time_service::of(w.get_executor()).now() - w.started());
    std::unique_lock lock(mutex_);
    no_longer_live(w);
    worker_guard beside = enter(make_worker(worker::role::temporary, w.get_executor()));
    std::optional<worker_guard> successor;
    if (!w.is_temporary())
        successor.emplace(enter_resident());
    lock.unlock();
    w.retire();
    w.counts.ended(status::abandoned);
    publish_abandoned(std::move(beside), w);
    if (successor)
        start(std::move(*successor), beginning::at_once);
    workers_left_.done();
}

// ---- the end

void pool_state::close()
{
    {
        std::lock_guard lock(mutex_);
        closing_ = true; // no temporary worker comes in from here on
    }
    close_jobs();
    bool none_left = false;
    {
        std::lock_guard lock(mutex_);
        none_left = live_ == 0;
    }
    if (none_left && jobs_ended()) // paused, and no worker will ever see the end
        end_of_jobs();
}

void pool_state::stop(cancel_reason reason)
{
    cancel_reason before = cancel_reason::none;
    stopping_.compare_exchange_strong(before, reason);
    close();
    ensure_one_worker();
    on_each_worker([reason](pool_state&, worker& w) { w.cancel(reason); });
}

// While a pool is paused it has no workers that would drop what is queued.
void pool_state::ensure_one_worker()
{
    std::unique_lock lock(mutex_);
    if (live_ != 0 || ended_)
        return;
    worker_guard here = enter_resident();
    lock.unlock();
    start(std::move(here), beginning::at_once);
}

asio::awaitable<bool> pool_state::all_left(duration limit)
{
    const time_point deadline = saturating_add(now(co_await asio::this_coro::executor), limit);
    const auto ended =
        co_await workers_left_.async_wait_until(deadline, asio::as_tuple(asio::deferred));
    if (const error_code error = std::get<0>(ended); error && error != errc::timed_out)
        throw system_error(error);
    co_return workers_left_.count() == 0;
}

asio::awaitable<drain_report> pool_state::drain(duration limit)
{
    const std::shared_ptr<pool_state> self = shared_from_this();
    close();
    bool over = co_await all_left(limit);
    if (!over) {
        stop(cancel_reason::shutdown);
        over = co_await all_left(options_.grace());
    }
    if (!over) {
        on_each_worker([](pool_state& pool, worker& w) { pool.abandon(w); });
        over = co_await all_left(options_.grace());
    }
    if (!over) { // the outcomes are not received: stop waiting for that, too
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

// ---- the accounts

// In the order opposite to the one in which things happen: what is read first can only have grown
// less.
ledger pool_state::read() const
{
    ledger sum;
    {
        std::lock_guard lock(mutex_);
        sum = past_;
        for (std::size_t i = 0; i < elsewhere_.size(); ++i)
            add(sum, static_cast<status>(i), elsewhere_[i].load(std::memory_order_acquire));
        temporary_counters_.add_ends_to(sum);
        residents_.for_each([&sum](const worker& w) { w.counts.add_ends_to(sum); });
        residents_.for_each([&sum](const worker& w) { w.counts.add_starts_to(sum); });
        temporary_counters_.add_starts_to(sum);
    }
    sum.stuck = stuck_jobs_.load(std::memory_order_relaxed);
    sum.accepted = accepted();
    sum.rejected = rejected_.load(std::memory_order_relaxed);
    return sum;
}

pool_stats pool_state::stats() const
{
    pool_stats stats;
    stats.ledger = read();
    stats.running = static_cast<std::size_t>(stats.ledger.running());
    measure(stats);
    std::lock_guard lock(histograms_);
    stats.queue_wait = queue_wait_.snapshot();
    stats.run_time = run_time_.snapshot();
    return stats;
}

void pool_state::describe(ticket& job, const job_options* options)
{
    job.record = std::make_unique<job_record>();
    if (options != nullptr)
        job.record->options = *options;
    if (options_.takes_timings()) {
        job.record->timed = true;
        const time_point now = time_service::of(get_executor()).now();
        job.record->times.queued = job.record->times.started = job.record->times.finished = now;
    }
}

void pool_state::account(worker& w, ticket& job, status s, time_point started)
{
    const time_point now = time_service::of(w.get_executor()).now();
    if (s == status::cancelled && closing_)
        note_unfinished(job.id, job.record.get(), s, now - started);
    if (!job.record)
        return;
    job.record->times.finished = now;
    if (job.record->timed) {
        std::lock_guard lock(histograms_);
        queue_wait_.add(job.record->times.waited());
        run_time_.add(job.record->times.ran());
    }
}

// A job that ended because the pool was being closed down, for the report.
void pool_state::note_unfinished(job_id id, const job_record* record, status s,
                                 std::optional<duration> age)
{
    unfinished_job u;
    u.id = id;
    u.status = s;
    u.age = age;
    if (record != nullptr) {
        u.name = record->options.name();
        u.key = record->options.key();
    }
    std::lock_guard lock(mutex_);
    unfinished_.push_back(std::move(u));
}

std::optional<duration> pool_state::time_queued(const ticket& job) const
{
    if (!job.record || !job.record->timed)
        return std::nullopt;
    return time_service::of(get_executor()).now() - job.record->times.queued;
}

void pool_state::count_elsewhere(status s) noexcept
{
    elsewhere_[static_cast<std::size_t>(s)].fetch_add(1, std::memory_order_acq_rel);
}

void pool_state::watch_for_stuck_jobs()
{
    const auto running = [this] {
        std::vector<overdue_rule::running> jobs;
        const auto look = [&jobs](const worker& w) {
            if (w.watched() == nullptr)
                return;
            if (const watched_job::sight job = w.watched()->look(); job.id != 0)
                jobs.push_back({job.id, job.since, w.watched()->name()});
        };
        std::lock_guard lock(mutex_);
        residents_.for_each(look);
        temporaries_.for_each(look);
        return jobs;
    };
    const auto report = [this](const overdue_rule::running& job, duration age) {
        stuck_jobs_.fetch_add(1, std::memory_order_relaxed);
        options_.on_stuck()({job.id, job.name, age});
    };
    const duration limit =
        saturating_add(time_point(options_.timeout()), options_.grace()).time_since_epoch();
    stuck_ = std::make_unique<stuck_watch>(limit, running, report);
}

} // namespace weir::detail
