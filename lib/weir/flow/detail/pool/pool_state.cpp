#include <weir/flow/detail/pool/pool_state.hpp>

#include <weir/detail/post_to.hpp>
#include <weir/detail/serial.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

std::vector<asio::any_io_executor> checked(std::vector<asio::any_io_executor> executors)
{
    if (executors.empty())
        throw std::invalid_argument("weir: a pool needs at least one executor");
    if (!std::all_of(executors.begin(), executors.end(), [](const auto& e) { return bool(e); }))
        throw std::invalid_argument("weir: a pool was given an empty any_io_executor");
    return executors;
}

const pool_options& checked(const pool_options& options)
{
    if (options.on_stuck() && options.timeout() == duration::max())
        throw std::invalid_argument("weir::pool_options: on_stuck reports jobs that block their "
                                    "thread past the timeout, so it needs a timeout");
    if (options.has_limits() && options.when_full() != overflow::wait &&
        options.when_full() != overflow::reject)
        throw std::invalid_argument("weir::pool_options: a pool with limits besides its workers "
                                    "waits or rejects when it is full: it has no other rule");
    return options;
}

} // namespace

/// Drops one of the pool's executors with its context.
class pool_state::place final : private context_guest {
public:
    place(pool_state& of, std::size_t index)
        : context_guest(nullptr, nullptr), pool_(of), index_(index)
    {
        enter(asio::query(of.executors_[index], asio::execution::context));
    }
    ~place() { leave(); }

    using context_guest::is_gone;
    hold keep() noexcept { return hold(*this); }

private:
    void drop() noexcept override { pool_.executor_gone(index_); }

    pool_state& pool_;
    const std::size_t index_;
};

limit bounded(limit workers)
{
    if (workers.is_unlimited())
        throw std::invalid_argument(
            "weir::worker_pool: each worker is a coroutine, so there must be a limit; a task_pool "
            "may be unlimited");
    return workers;
}

pool_state::pool_state(std::vector<executor_type> executors, const pool_options& options)
    : options_(checked(options)), has_timeout_(options.timeout() != duration::max()),
      has_records_(options.takes_timings() || options.keeps_jobs() || options.rejects_late() ||
                   options.has_limits()),
      executors_(checked(std::move(executors))),
      // A pool with threads of its own ends with its context, and its tasks may live on.
      home_(std::make_shared<const own_any_executor>(executors_.front(), nullptr, nullptr,
                                                     own_any_executor::bare::is_dropped)),
      live_at_(executors_.size()), workers_left_(executors_.front()),
      target_(options.workers().count())
{
    for (executor_type& each : executors_) {
        serial_.push_back(static_cast<char>(is_serial(each)));
        each = unless_checked(each);
    }
    workers_left_.add();
    if (options_.watch_ != nullptr && has_timeout_ && time_service::of(get_executor()).is_real())
        stuck_ = options_.watch_(*this);
    if (options_.make_limits_ != nullptr)
        limits_ = options_.make_limits_(*this, *options_.limits_);
}

pool_state::~pool_state() = default;

// ---- workers come and go

void pool_state::start_workers()
{
    while (places_.size() < executors_.size())
        places_.push_back(std::make_unique<place>(*this, places_.size()));
    if (limits_ && !limits_started_) {
        limits_->start();
        limits_started_ = true;
    }
    if (workers().is_unlimited()) // each job has a temporary worker
        return;
    std::vector<worker_guard> fresh;
    fresh.reserve(wanted()); // under the lock no guard may go
    try {
        std::lock_guard lock(mutex_);
        while (live_ < wanted() && fresh.size() < fresh.capacity() && !ended_) {
            std::optional<worker_guard> one = enter_resident();
            if (!one)
                break;
            fresh.push_back(std::move(*one));
        }
    } catch (...) {
        for (worker_guard& here : fresh)
            here->leave(); // all or none
        throw;
    }
    for (worker_guard& here : fresh)
        start(std::move(here));
}

void pool_state::resize(limit workers)
{
    check_enough_threads(workers);
    std::size_t target = workers.count();
    const std::size_t before = target_.exchange(target);
    try {
        start_workers();
    } catch (...) { // no memory for a worker
        target_.compare_exchange_strong(target, before);
        throw;
    }
    on_each_worker([](pool_state&, worker& w) { w.disturb(); });
    if (limits_)
        limits_->resized();
}

void pool_state::one_worker_per_executor()
{
    always_on_thread_ = true;
    std::vector<executor_type> distinct;
    for (const executor_type& each : executors_)
        if (std::find(distinct.begin(), distinct.end(), each) == distinct.end())
            distinct.push_back(each);
    threads_ = 0;
    for (const executor_type& each : distinct)
        threads_ += is_serial(each) ? 1 : threads_behind(each);
    // Otherwise several threads may run one of them: more than are known, perhaps.
    if (std::find(serial_.begin(), serial_.end(), false) == serial_.end()) {
        executors_ = std::move(distinct);
        serial_.resize(executors_.size());
        live_at_.resize(executors_.size());
        useful_ = executors_.size();
    }
    check_enough_threads(workers());
}

limit pool_state::places() const noexcept
{
    const limit most = workers();
    if (most.is_unlimited() && options_.make_limits_ == nullptr)
        return unlimited;
    const std::size_t running = most.is_unlimited() ? 0 : most.count();
    const std::size_t queue = options_.queue();
    if (queue >= unlimited.count() - running)
        return unlimited;
    return limit(std::max<std::size_t>(1, queue + running));
}

void pool_state::check_enough_threads(limit workers) const
{
    if (options_.runs_inline())
        return;
    if (options_.is_blocking() && workers.count() > executors_.size())
        throw std::invalid_argument(
            "weir: a blocking() pool has as many threads as it was made with workers, and cannot "
            "run more jobs at a time: make it for the most workers that it will have");
    if (workers.count() > threads_)
        throw std::invalid_argument(
            "weir::worker_pool: a plain handler keeps its thread while it runs, and there are more "
            "workers than threads, as far as is known: say inline_on_runners() if that is meant, "
            "or blocking() for a thread per worker");
}

worker_pointer pool_state::new_worker(worker::role role, executor_type home)
{
    if (stuck_)
        return stuck_->new_worker(*this, role, std::move(home));
    return make_worker(role, std::move(home));
}

worker_pointer pool_state::new_worker_at(std::size_t index, worker::role role)
{
    context_guest::hold here = places_[index]->keep();
    if (!here)
        return nullptr;
    const executor_type& there = executors_[index];
    worker_pointer w = new_worker(role, serial_[index] ? there : strand_over(there));
    w->keep = std::move(here);
    return w;
}

worker_pointer pool_state::new_temporary(executor_type where)
{
    if (where)
        return new_worker(worker::role::temporary, serial_over(where));
    const std::size_t count = executors_.size();
    for (std::size_t left = count; left != 0; --left) {
        const std::size_t at = next_.fetch_add(1, std::memory_order_relaxed) % count;
        if (worker_pointer w = new_worker_at(at, worker::role::temporary))
            return w;
    }
    return nullptr;
}

// A worker's coroutine is made on its own executor: frames that two threads write to are then not
// neighbours in memory.
void pool_state::start(worker_guard here)
{
    const context_guest::hold until_posted = std::move(here->keep);
    const executor_type home = here->get_executor();
    post_to(home, [this, here = std::move(here)]() mutable { run(std::move(here)); });
}

// The three below under the mutex.

worker_guard pool_state::enter(worker_pointer w)
{
    w->pool = shared_from_this();
    list_of(*w).push_front(*w);
    workers_left_.add();
    return worker_guard(std::move(w));
}

bool pool_state::is_there(std::size_t index) const noexcept
{
    // A pool whose places could not all be made ends with some of them.
    return executors_[index] && index < places_.size() && !places_[index]->is_gone();
}

bool pool_state::has_place() const noexcept
{
    std::size_t at = 0;
    while (at < executors_.size() && !is_there(at))
        ++at;
    return at < executors_.size();
}

// At the executor that has the fewest.
std::optional<worker_guard> pool_state::enter_resident()
{
    std::size_t at = 0;
    worker_pointer w;
    while (!w) {
        for (std::size_t i = 0; i < executors_.size(); ++i)
            if (is_there(i) && (!is_there(at) || live_at_[i] < live_at_[at]))
                at = i;
        if (!is_there(at))
            return std::nullopt;
        w = new_worker_at(at, worker::role::resident);
    }
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
    std::lock_guard lock(mutex_);
    if (closing_)
        return std::nullopt;
    return enter(std::move(w));
}

worker_guard pool_state::enter_for_accepted(worker_pointer w)
{
    std::lock_guard lock(mutex_);
    return enter(std::move(w));
}

void pool_state::jobs_moved() noexcept
{
    workers_left_.done();
    bool none_left = false;
    {
        std::lock_guard lock(mutex_);
        none_left = live_ == 0;
    }
    if (none_left && jobs_ended())
        end_of_jobs();
    if (workers_left_.count() == 0)
        close_results();
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
    w.on_token.cancel();
    const bool counted = !w.retired(); // otherwise another took its place long ago
    if (w.busy()) {                    // its context is being destroyed
        w.retire();
        w.counts.ended(status::abandoned);
        release(w.record(), status::abandoned);
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

void pool_state::on_each_worker(void (*what)(pool_state&, worker&))
{
    const auto post = [what](worker& w) {
        post_to(w.get_executor(), [w = worker_pointer(&w), what] { what(*w->pool, *w); });
    };
    std::lock_guard lock(mutex_);
    residents_.for_each(post);
    temporaries_.for_each(post);
}

// ---- the end

void pool_state::close()
{
    {
        std::lock_guard lock(mutex_);
        closing_ = true; // no temporary worker comes in from here on
    }
    if (limits_)
        return limits_->close();
    last_job_ended();
}

// No job will enter the queue any more.
void pool_state::last_job_ended() noexcept
{
    close_jobs();
    bool none_left = false;
    {
        std::lock_guard lock(mutex_);
        none_left = live_ == 0;
    }
    if (none_left && jobs_ended()) // paused, and no worker will ever see the end
        end_of_jobs();
}

// With the last context the pool ends, also while it is paused.
void pool_state::executor_gone(std::size_t index) noexcept
{
    const std::shared_ptr<pool_state> self = weak_from_this().lock(); // null: it ends
    {
        std::lock_guard lock(mutex_);
        executors_[index] = nullptr;
        if (!self)
            return;
        if (has_place())
            index = executors_.size();
    }
    if (index == executors_.size()) {
        if (limits_)
            limits_->look_again(); // it may have waited there
        return;
    }
    close();
    drop_queued();
    bool none_left = false;
    {
        std::lock_guard lock(mutex_);
        none_left = live_ == 0;
    }
    if (none_left && jobs_ended())
        end_of_jobs();
}

void pool_state::stop(cancel_reason reason)
{
    cancel_reason before = cancel_reason::none;
    stopping_.compare_exchange_strong(before, reason);
    close();
    if (limits_)
        limits_->let_all_go();
    try {
        ensure_one_worker();
    } catch (const std::bad_alloc&) { // no memory for one that would do it
        drop_queued();
    }
    on_each_worker([](pool_state& own, worker& w) { w.cancel(own.stopping()); });
}

// While a pool is paused it has no workers that would drop what is queued.
void pool_state::ensure_one_worker()
{
    std::unique_lock lock(mutex_);
    if (live_ != 0 || ended_)
        return;
    std::optional<worker_guard> here = enter_resident();
    lock.unlock();
    if (here)
        start(std::move(*here));
}

void pool_state::describe(ticket& job, const job_options* options)
{
    job.record = std::make_unique<job_record>();
    if (options != nullptr)
        job.record->options = *options;
    job.record->timed = options_.takes_timings();
    if (options_.takes_timings() || options_.rejects_late()) {
        const time_point at = current_time();
        job.record->times.queued = job.record->times.started = job.record->times.finished = at;
    }
}

pool_state::executor_type pool_state::any_executor() const
{
    std::lock_guard lock(mutex_);
    std::size_t at = 0;
    while (at < executors_.size() && !is_there(at))
        ++at;
    return at < executors_.size() ? executors_[at] : executor_type();
}

// By the clock of a context that is still there; all real ones are the same.
time_point pool_state::current_time() const
{
    std::lock_guard lock(mutex_);
    for (const executor_type& each : executors_)
        if (each)
            return time_service::of(each).now();
    return std::chrono::steady_clock::now();
}

} // namespace weir::detail
