#include <weir/flow/detail/pool/limited_job_claims.hpp>

#include <algorithm>
#include <utility>

// Workers: what their attempts mean for the limits, sleeps before the next one, and holds.

namespace weir {
namespace detail {

std::optional<time_point> limited_jobs::next_attempt(const job_record& job,
                                                     const std::exception_ptr& error)
{
    time_point latest = time_point::max();
    time_point earliest = time_point::min();
    {
        std::lock_guard lock(mutex_);
        if (letting_go_)
            return std::nullopt;
        latest = no_later_;
        earliest = claims_of(job).not_before;
    }
    return options_.retry->next(job.attempts, error, time_->now(),
                                std::min(latest, job.options.deadline()), earliest);
}

void limited_jobs::sleep(std::unique_ptr<limited_job> job, time_point until) noexcept
{
    claims& c = claims_of(job->record());
    {
        std::lock_guard lock(mutex_);
        settle(c, verdict::failed, true);
        c.sleeps = true;
        ++asleep_;
        c.job = job.release();
        c.held_back = claims::place::asleep;
        c.wakes = until;
        sleeping_.put(c, until);
        if (letting_go_ || until > no_later_)
            end_sleep(c);
        else
            know_task(c);
    }
    look_again();
}

// It will not be run again, and ends with the error that it has.
void limited_jobs::end_sleep(claims& c) noexcept
{
    c.job->record().never_starts = true;
    let_go(c);
}

hold_result limited_jobs::hold(claims& c, time_point until)
{
    hold_result how = hold_result::held;
    {
        std::lock_guard lock(mutex_);
        const time_point now = time_->now();
        if (until <= now)
            return how;
        c.not_before = std::max(c.not_before, until);
        if (!c.key.empty()) {
            how = waiting_.hold(c.key, until, now);
            if (how == hold_result::too_long)
                while (const auto job = waiting_.take(c.key))
                    end_held((*job)->record());
        }
    }
    look_again();
    return how;
}

void limited_jobs::end_if_held_too_long(claims& c, time_point now) noexcept
{
    if (waiting_.held() == 0 || c.held_back != claims::place::in_line ||
        waiting_.held_until(c.key) <= saturating_add(now, waiting_.max_hold()))
        return;
    (void)waiting_.take(c.queued);
    end_held(c.job->record());
}

// It has come out of the line.
void limited_jobs::end_held(job_record& record) noexcept
{
    record.last_error = is_held_too_long_;
    record.never_starts = true;
    claims& c = claims_of(record);
    if (c.is_in_heap())
        deadlines_.remove(c);
    c.held_back = claims::place::let_go;
    let_go_.push_back(c);
}

bool limited_jobs::taken(job_record& job) noexcept
{
    claims& c = claims_of(job);
    bool slept = false;
    {
        std::lock_guard lock(mutex_);
        c.not_before = time_point::min();
        c.attempts = job.attempts;
        c.allowed.begins(time_->now());
        slept = std::exchange(c.sleeps, false);
        asleep_ -= slept ? 1 : 0;
    }
    look_again(); // there is room now where it was handed over
    return slept;
}

void limited_jobs::ended(const job_record& job, verdict how) noexcept
{
    claims& c = claims_of(job);
    if (!c.owner)
        return;
    if (options_.retry && how == verdict::succeeded)
        options_.retry->succeeded(job.attempts, time_->now());
    {
        std::lock_guard lock(mutex_);
        settle(c, how, job.attempts != c.attempts);
    }
    const auto kept = give_up(c);
    look_again();
}

// Its place goes to a submitter that waits.
std::shared_ptr<limited_jobs> limited_jobs::give_up(claims& c) noexcept
{
    {
        std::lock_guard lock(mutex_);
        --claims_;
        asleep_ -= std::exchange(c.sleeps, false) ? 1 : 0;
        if (c.on_token)
            c.on_token->job = nullptr;
    }
    c.pass.release();
    c.share.release();
    return std::move(c.owner);
}

// The job runs no more, for now or at all.
void limited_jobs::settle(claims& c, verdict how, bool ran) noexcept
{
    if (std::exchange(c.handed_over, false))
        --handed_;
    retried_ += ran && c.attempts != 0 ? 1 : 0;
    if (how == verdict::succeeded)
        waiting_.done(c.running);
    else
        waiting_.failed(c.running);
    if (!c.allowed)
        return;
    const time_point now = time_->now();
    if (!ran || c.not_before != time_point::min()) {
        // It never began, or was asked to wait: that says nothing.
    } else if (how == verdict::succeeded) {
        c.allowed.succeeded(now);
    } else if (how == verdict::failed) {
        c.allowed.failed(now);
    }
    c.allowed = {};
}

} // namespace detail
} // namespace weir
