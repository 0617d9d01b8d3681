#include <weir/flow/detail/pool/limited_job_claims.hpp>
#include <weir/flow/detail/pool/task_state.hpp>

#include <algorithm>
#include <new>
#include <utility>

// Which job goes to a worker next, and when to look again.

namespace weir {
namespace detail {

void limited_jobs::resized()
{
    const limit now = places();
    admission_->resize(places_count_, now);
    if (options_.key_share < 1)
        shares_->resize(share_of(now));
    look_again();
}

void limited_jobs::look_again() noexcept
{
    lock_type lock(mutex_);
    again_ = true;
    if (handing_over_)
        return;
    handing_over_ = true;
    while (std::exchange(again_, false)) {
        const time_point now = time_->now();
        due_ = time_point::max();
        wake_sleepers(now);
        let_late_ones_go(now);
        while (hand_over_next(lock, now)) {
        }
        due_ = std::min({due_, sleeping_.first_at(), deadlines_.first_at()});
    }
    handing_over_ = false;
    const bool ended = is_over() && !std::exchange(over_, true);
    lock.unlock();
    if (ended)
        pool_.last_job_ended();
    else
        set_clocks();
}

bool limited_jobs::is_over() const noexcept
{
    return closed_ && waiting_.queued() == 0 && sleeping_.empty() && let_go_.empty() &&
           handed_ == 0;
}

time_point limited_jobs::due() const noexcept
{
    std::lock_guard lock(mutex_);
    return due_;
}

// Whichever is first looks for what is due, and the others find nothing.
void limited_jobs::set_clocks() noexcept
{
    for (std::size_t i = 0;; ++i) {
        std::shared_ptr<clock> each;
        {
            std::lock_guard lock(mutex_);
            if (i == clocks_.size())
                return;
            each = clocks_[i];
        }
        if (!each->is_gone())
            each->look_again();
    }
}

void limited_jobs::wake_sleepers(time_point now) noexcept
{
    while (sleeping_.first_at() <= now && !sleeping_.empty()) {
        claims& c = sleeping_.first();
        try {
            c.queued = waiting_.push_front(c.key, c.job);
        } catch (...) { // no memory: it goes where nothing is needed
            end_sleep(c);
            continue;
        }
        sleeping_.remove(c);
        stand_in_line(c, c.job);
        end_if_held_too_long(c, now);
    }
}

void limited_jobs::let_late_ones_go(time_point now) noexcept
{
    while (deadlines_.first_at() <= now && !deadlines_.empty())
        let_go(deadlines_.first());
}

// It is held back no more.
std::unique_ptr<limited_job> limited_jobs::release(claims& c) noexcept
{
    std::unique_ptr<limited_job> own(std::exchange(c.job, nullptr));
    c.held_back = claims::place::elsewhere;
    if (c.is_in_heap())
        deadlines_.remove(c);
    if (task_base* const task = own->task())
        task->held_back = nullptr;
    return own;
}

void limited_jobs::hand_over(lock_type& lock, claims& c)
{
    const auto own = release(c);
    c.handed_over = true;
    ++handed_;
    lock.unlock();
    own->hand_over();
    lock.lock();
}

bool limited_jobs::hand_over_next(lock_type& lock, time_point now)
{
    if (!pool_.has_room())
        return false;
    if (letting_go_)
        let_one_go();
    if (!let_go_.empty()) {
        hand_over(lock, let_go_.pop_front());
        return true;
    }
    if (handed_ >= pool_.useful_workers())
        return false;
    if (rate_ && waiting_.queued() != 0)
        if (const time_point at = rate_->when(1, now); at > now) {
            due_ = at;
            return false;
        }
    auto next = waiting_.pop(now);
    if (!next) {
        due_ = next.again;
        return false;
    }
    job_record& record = (*next.item)->record();
    claims& c = claims_of(record);
    c.running = std::move(next.place);
    if (breaker_)
        enter_breaker(c, record, now);
    if (rate_ && !record.never_starts)
        (void)rate_->try_take(1, now);
    hand_over(lock, c);
    return true;
}

// Where it may not, or there is no memory, the job ends with that error.
void limited_jobs::enter_breaker(claims& c, job_record& record, time_point now) noexcept
{
    std::exception_ptr error = is_open_;
    try {
        c.allowed = breaker_->try_enter(c.key, now);
    } catch (const std::bad_alloc&) {
        error = std::current_exception();
    }
    record.never_starts = !c.allowed;
    if (record.never_starts)
        record.last_error = std::move(error);
}

void limited_jobs::let_one_go() noexcept
{
    if (!sleeping_.empty()) {
        end_sleep(sleeping_.first());
    } else if (const auto next = waiting_.take_any()) {
        claims& c = claims_of((*next)->record());
        if (c.is_in_heap())
            deadlines_.remove(c);
        c.held_back = claims::place::let_go;
        let_go_.push_back(c);
    }
}

} // namespace detail
} // namespace weir
