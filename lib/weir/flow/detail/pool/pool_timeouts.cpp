#include <weir/flow/detail/pool/pool_state.hpp>

#include <weir/detail/post_to.hpp>
#include <weir/flow/detail/pool/task_state.hpp>

// A job's time: whether it may still start, and when it is cancelled and then abandoned. A part of
// `pool_state`.

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>

namespace weir::detail {

status pool_state::begin_checked_job(worker& w, ticket& job, bool may_suspend)
{
    const bool again = limits_ && limits_->taken(*job.record);
    if (stopping() != cancel_reason::none) {
        const status s = again ? status::failed : status::dropped;
        w.counts.ended(s);
        accounts_.note_unfinished(job.id, job.record.get(), s, time_queued(job));
        release(job.record.get(), s);
        return s;
    }
    const time_point now = time_service::of(w.get_executor()).now();
    w.begin(job, now, again);
    if (job.record && job.record->never_starts)
        return end_job(w, job, false);
    if (job.record && !again) {
        job.record->times.started = job.record->times.finished = now;
    }
    const time_point over = std::min(saturating_add(now, options_.timeout()), job.deadline());
    w.set_deadline(over);
    if (!w.name().empty()) {
        std::lock_guard lock(mutex_);
        w.keep_name(w.name());
    }
    if (const cancel_reason asked = asked_by_token(job.record.get());
        asked != cancel_reason::none) {
        w.refuse(asked);
        return end_job(w, job, false);
    }
    if (over <= now) {
        w.expire();
        return end_job(w, job, false);
    }
    if (watched_job* watched = w.watched())
        watched->set_name(w.name());
    if (may_suspend && over != time_point::max()) {
        try {
            set_timeout(w, over);
        } catch (const system_error&) { // without its timeout it must not run
            w.expire();
            return end_job(w, job, false);
        }
    }
    if (may_suspend && job.record && job.record->options.token().can_be_cancelled())
        job.record->options.listen_(w);
    if (job.record) {
        ++job.record->attempts;
        if (options_.rejects_late() && !again)
            accounts_.pace().started(job.record->times.queued, now);
    }
    return status::ok;
}

status pool_state::end_unstarted(worker& w, ticket& job, time_point now, cancel_reason reason)
{
    if (stopping() != cancel_reason::none)
        return begin_checked_job(w, job, false); // dropped
    w.begin(job, now, limits_ && limits_->taken(*job.record));
    w.refuse(reason);
    return end_job(w, job, false);
}

// While the lock is held no worker leaves, and one whose job has not ended is there, as is the
// context of its executor.
void pool_state::cancel_running(const task_base& task)
{
    std::lock_guard lock(mutex_);
    worker_pointer w(task.runs_on());
    if (!w)
        return;
    const executor_type home = w->get_executor();
    post_to(home, [w = std::move(w), job = task.id(), reason = task.asked()] {
        if (w->busy() && w->id() == job)
            w->cancel(reason);
    });
}

// First the job is cancelled; if it has not ended after the grace it is abandoned.
void pool_state::timed_out(void* busy)
{
    auto& w = *static_cast<worker*>(busy);
    w.cancel(cancel_reason::deadline);
    if (!w.busy())
        return;
    const time_point now = time_service::of(w.get_executor()).now();
    const auto abandon = [](void* late) {
        auto& own = *static_cast<worker*>(late);
        own.pool->abandon(own);
    };
    try {
        w.timeout =
            alarm(w.get_executor(), saturating_add(now, w.pool->options_.grace()), abandon, &w);
    } catch (...) { // there is no clock for the grace, or no memory
        abandon(&w);
    }
}

void pool_state::set_timeout(worker& w, time_point at)
{
    w.timeout = alarm(w.get_executor(), at, timed_out, &w);
}

// The job would not end. Its worker is left behind with it, and another takes its place, perhaps at
// another executor. The outcome is published from here, where nothing can come between.
void pool_state::abandon(worker& w)
{
    if (!w.busy())
        return;
    std::optional<worker_guard> successor;
    std::optional<worker_guard> beside;
    try {
        worker_pointer fresh = make_worker(worker::role::temporary, w.get_executor());
        std::lock_guard lock(mutex_);
        if (!w.is_temporary()) // before `w` goes: this may throw
            if (auto next = enter_resident())
                successor.emplace(std::move(*next));
        no_longer_live(w);
        beside.emplace(enter(std::move(fresh)));
    } catch (const std::bad_alloc&) {
        return; // the job keeps its worker until it ends
    }
    if (closing_)
        accounts_.note_unfinished(w.id(), w.record(), status::abandoned,
                                  time_service::of(w.get_executor()).now() - w.started());
    w.retire();
    w.counts.ended(status::abandoned);
    release(w.record(), status::abandoned);
    publish_abandoned(std::move(*beside), w);
    if (successor)
        start(std::move(*successor));
    workers_left_.done();
}

std::optional<time_point> pool_state::end_attempt(worker& w, const ticket& job,
                                                  const std::exception_ptr& error)
{
    const status s = w.without_value();
    if (stopping() != cancel_reason::none || s == status::cancelled)
        return std::nullopt;
    const std::exception_ptr why =
        s == status::timed_out ? std::make_exception_ptr(system_error(errc::timed_out)) : error;
    const auto next = limits_->next_attempt(*job.record, why);
    if (next) {
        job.record->last_error = why;
        w.end_attempt();
    }
    return next;
}

void pool_state::no_longer_runs(task_base& task)
{
    std::lock_guard lock(mutex_);
    task.suspend();
}

status pool_state::end_elsewhere(const ticket& job) noexcept
{
    const bool tried = limits_ && job.record && job.record->attempts != 0;
    const status s = tried ? status::failed : status::dropped;
    count_elsewhere(s);
    release(job.record.get(), s);
    return s;
}

void pool_state::release(const job_record* job, status s) noexcept
{
    if (job == nullptr || !job->claims)
        return;
    auto how = job_limits::verdict::unknown;
    if (s == status::ok)
        how = job_limits::verdict::succeeded;
    else if (s == status::failed || s == status::timed_out || s == status::abandoned)
        how = job_limits::verdict::failed;
    limits_->ended(*job, how);
}

void pool_state::account(worker& w, ticket& job, status s, time_point started)
{
    const time_point now = time_service::of(w.get_executor()).now();
    if (s == status::cancelled && stopping() != cancel_reason::none)
        accounts_.note_unfinished(job.id, job.record.get(), s, now - started);
    if (!job.record)
        return;
    release(job.record.get(), s);
    job.record->times.finished = now;
    if (s == status::ok && options_.rejects_late())
        accounts_.pace().ran(now - started);
    if (job.record->timed)
        accounts_.add_times(job.record->times);
}

bool pool_state::ends_late(const ticket& job, std::size_t ahead) const
{
    const duration least = limits_ ? limits_->least_interval() : duration::zero();
    const duration length =
        ahead != 0 ? accounts_.pace().until_end(ahead, least) : duration::zero();
    return saturating_add(job.record->times.queued, length) >= job.deadline();
}

std::optional<duration> pool_state::time_queued(const ticket& job) const
{
    if (!job.record || !job.record->timed)
        return std::nullopt;
    return current_time() - job.record->times.queued;
}

} // namespace weir::detail
