#include <weir/flow/detail/pool/pool_state.hpp>

#include <weir/policy/timeout.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>
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

void add(ledger& sum, status s, std::uint64_t n) noexcept
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

pool_state::pool_state(std::vector<asio::any_io_executor> executors, const pool_options& options)
    : options_(options), watches_(options.timeout() != duration::max()),
      executors_(checked(std::move(executors))), live_at_(executors_.size()),
      workers_left_(executors_.front()), target_(options.workers().count())
{
    workers_left_.add();
    if (options_.on_stuck() && watches_ && time_service::of(first_executor()).is_real())
        watch_for_stuck_jobs();
}

pool_state::~pool_state() = default;

void pool_state::start_workers()
{
    if (workers().is_unlimited()) // each job is a guest
        return;
    std::vector<presence> fresh;
    {
        std::lock_guard lock(mutex_);
        while (live_ < wanted() && !ended_)
            fresh.push_back(enter_member());
    }
    for (presence& here : fresh)
        start_worker(std::move(here));
}

void pool_state::resize(limit workers)
{
    target_ = workers.count();
    start_workers();
    on_each_worker([](pool_state&, worker& w) { w.disturb(); });
}

void pool_state::one_worker_an_executor()
{
    std::vector<asio::any_io_executor> distinct;
    for (asio::any_io_executor& each : executors_)
        if (std::find(distinct.begin(), distinct.end(), each) == distinct.end())
            distinct.push_back(std::move(each));
    executors_ = std::move(distinct);
    live_at_.resize(executors_.size());
    useful_ = executors_.size();
}

// The three below under the mutex.

presence pool_state::enter(worker_pointer w)
{
    w->pool = shared_from_this();
    list_of(*w).add(*w);
    workers_left_.add();
    return presence(std::move(w));
}

// Where there are the fewest.
presence pool_state::enter_member()
{
    const auto fewest = std::min_element(live_at_.begin(), live_at_.end());
    const auto at = static_cast<std::size_t>(fewest - live_at_.begin());
    worker_pointer w = make_member(executors_[at]);
    if (stuck_)
        w->let_watch();
    w->home = static_cast<std::uint32_t>(at);
    w->live = true;
    presence here = enter(std::move(w));
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

std::optional<presence> pool_state::enter_guest(worker_pointer w)
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
    // Somebody has to drop what waits.
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
        torn_down(w);
    } else if (!w.leaving() && !w.retired()) {
        empty_hands(w); // its context is being destroyed between two jobs
    }
    bool nobody = false;
    {
        std::lock_guard lock(mutex_);
        list_of(w).remove(w);
        if (!w.is_guest()) {
            w.counts.add_ends_to(past_);
            w.counts.add_starts_to(past_);
            no_longer_live(w);
            nobody = live_ == 0;
        }
    }
    if (nobody && !w.leaving()) { // and with its context goes the last who would take jobs
        close();
        drop_waiting();
    }
    if (nobody && jobs_ended())
        end_of_jobs();
    if (counted)
        workers_left_.done();
    if (workers_left_.count() == 0)
        close_results();
}

status pool_state::take_up_and_watch(worker& w, ticket& job, bool may_suspend)
{
    if (const cancel_reason reason = stopping(); reason != cancel_reason::none) {
        w.counts.ended(status::dropped);
        note_unfinished(job, status::dropped, age_of_waiting(job));
        return status::dropped;
    }
    const time_point now = clock_of(w).now();
    w.begin(job, now);
    if (job.record)
        job.record->times.started = job.record->times.finished = now;
    const time_point over = std::min(saturating_add(now, options_.timeout()), job.deadline());
    w.set_deadline(over);
    if (over <= now) {
        w.expire();
        return conclude(w, job, false);
    }
    if (watched_job* seen = w.seen())
        seen->set_name(w.name());
    if (may_suspend && over != time_point::max())
        watch(w, over);
    return status::ok;
}

void pool_state::account(worker& w, ticket& job, status s, time_point started)
{
    const time_point now = clock_of(w).now();
    if (s == status::cancelled && closing_)
        note_unfinished(job, s, now - started);
    if (!job.record)
        return;
    job.record->times.finished = now;
    if (job.record->timed) {
        std::lock_guard lock(histograms_);
        queue_wait_.add(job.record->times.waited());
        run_time_.add(job.record->times.ran());
    }
}

void pool_state::watch(worker& w, time_point over)
{
    const auto give_up_later = [this, &w] {
        w.cancel(cancel_reason::deadline);
        if (w.busy())
            w.timeout =
                alarm(w.get_executor(), saturating_add(now(w.get_executor()), options_.grace()),
                      [this, &w] { give_up(w); });
    };
    w.timeout = alarm(w.get_executor(), over, give_up_later);
}

// The job would not end. Its worker is left behind with it, and another takes its place, perhaps at
// another executor. The outcome is published from here, where nothing can come between.
void pool_state::give_up(worker& w)
{
    if (!w.busy())
        return;
    const ticket& job = job_of(w);
    if (closing_)
        note_unfinished(job, status::abandoned, clock_of(w).now() - w.started());
    std::unique_lock lock(mutex_);
    no_longer_live(w);
    presence beside = enter(make_guest_beside(w));
    std::optional<presence> successor;
    if (!w.is_guest())
        successor.emplace(enter_member());
    lock.unlock();
    w.retire();
    w.counts.ended(status::abandoned);
    tell_given_up(std::move(beside), w);
    if (successor)
        start_worker(std::move(*successor));
    workers_left_.done();
}

template <class Do>
void pool_state::on_each_worker(Do what)
{
    const auto tell = [&what](worker& w) {
        asio::post(w.get_executor(), [w = worker_pointer(&w), what] { what(*w->pool, *w); });
    };
    std::lock_guard lock(mutex_);
    members_.each(tell);
    guests_.each(tell);
}

void pool_state::close()
{
    bool nobody = false;
    {
        std::lock_guard lock(mutex_);
        closing_ = true; // no guest comes in from here on
    }
    close_intake();
    {
        std::lock_guard lock(mutex_);
        nobody = live_ == 0;
    }
    if (nobody && jobs_ended()) // paused, and no worker will ever see the end
        end_of_jobs();
}

void pool_state::stop(cancel_reason reason)
{
    cancel_reason before = cancel_reason::none;
    stopping_.compare_exchange_strong(before, reason);
    close();
    ensure_somebody();
    on_each_worker([reason](pool_state&, worker& w) { w.cancel(reason); });
}

// While a pool is paused nobody is there to drop what waits.
void pool_state::ensure_somebody()
{
    std::unique_lock lock(mutex_);
    if (live_ != 0 || ended_)
        return;
    presence here = enter_member();
    lock.unlock();
    start_worker(std::move(here));
}

asio::awaitable<bool> pool_state::all_left(duration limit)
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
        on_each_worker([](pool_state& pool, worker& w) { pool.give_up(w); });
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
ledger pool_state::read() const
{
    ledger sum;
    {
        std::lock_guard lock(mutex_);
        sum = past_;
        for (std::size_t i = 0; i < elsewhere_.size(); ++i)
            add(sum, static_cast<status>(i), elsewhere_[i].load(std::memory_order_acquire));
        guests_tally_.add_ends_to(sum);
        members_.each([&sum](const worker& w) { w.counts.add_ends_to(sum); });
        members_.each([&sum](const worker& w) { w.counts.add_starts_to(sum); });
        guests_tally_.add_starts_to(sum);
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

void pool_state::describe(ticket& job, const job_options* said)
{
    job.record = std::make_unique<job_record>();
    if (said != nullptr)
        job.record->said = *said;
    if (options_.takes_timings()) {
        job.record->timed = true;
        const time_point now = time_service::of(first_executor()).now();
        job.record->times.queued = job.record->times.started = job.record->times.finished = now;
    }
}

void pool_state::note_unfinished(const ticket& job, status s, std::optional<duration> age)
{
    unfinished_job u;
    u.id = job.id;
    u.status = s;
    u.age = age;
    if (job.record) {
        u.name = job.record->said.name();
        u.key = job.record->said.key();
    }
    std::lock_guard lock(mutex_);
    unfinished_.push_back(std::move(u));
}

std::optional<duration> pool_state::age_of_waiting(const ticket& job) const
{
    if (!job.record || !job.record->timed)
        return std::nullopt;
    return time_service::of(first_executor()).now() - job.record->times.queued;
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
            if (w.seen() == nullptr)
                return;
            if (const watched_job::seen job = w.seen()->look(); job.id != 0)
                jobs.push_back({job.id, job.since, w.seen()->name()});
        };
        std::lock_guard lock(mutex_);
        members_.each(look);
        guests_.each(look);
        return jobs;
    };
    const auto tell = [this](const overdue_rule::running& job, duration age) {
        stuck_jobs_.fetch_add(1, std::memory_order_relaxed);
        options_.on_stuck()({job.id, job.name, age});
    };
    const duration limit =
        saturating_add(time_point(options_.timeout()), options_.grace()).time_since_epoch();
    stuck_ = std::make_unique<stuck_watch>(limit, running, tell);
}

} // namespace weir::detail
