#include <weir/flow/detail/pool/limited_jobs.hpp>

#include <weir/flow/detail/pool/limited_job_claims.hpp>
#include <weir/flow/detail/pool/task_state.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace weir {
namespace detail {

namespace {

key_options options_of(const limit_options& options)
{
    return key_options(options.per_key).max_overridden(1);
}

} // namespace

limited_jobs::limited_jobs(pool_state& owner, const limit_options& options)
    : pool_(owner), options_(options), places_count_(admission_limits_.count(places())),
      bytes_count_(admission_limits_.count(options.bytes)),
      time_(time_service::of(owner.get_executor()).source()), waiting_(options_of(options))
{
    if (options.key_share < 1)
        shares_.emplace(owner.get_executor(), share_of(places()));
    admission_.emplace(owner.get_executor(), admission_limits_);
    if (options.rate)
        rate_.emplace(options.rate->each, options.rate->burst);
    if (options.breaker)
        breaker_.emplace(*options.breaker);
    (void)waiting_.override_key(std::string(), unlimited); // jobs without a key belong to none
}

limited_jobs::~limited_jobs()
{
    while (const auto job = waiting_.take_any())
        delete *job;
    while (!sleeping_.empty()) {
        limited_job* const job = sleeping_.first().job;
        sleeping_.remove(sleeping_.first());
        delete job;
    }
    while (!let_go_.empty())
        delete let_go_.pop_front().job;
}

// One clock for each context: the thread of one may be busy.
void limited_jobs::start()
{
    std::vector<std::shared_ptr<clock>> made;
    std::vector<const boost::asio::execution_context*> known;
    for (const boost::asio::any_io_executor& each : pool_.executors()) {
        const auto* const context = &boost::asio::query(each, boost::asio::execution::context_t());
        if (std::find(known.begin(), known.end(), context) != known.end())
            continue;
        known.push_back(context);
        made.push_back(std::make_shared<clock>(each, pool_.weak_from_this()));
    }
    std::lock_guard lock(mutex_);
    clocks_ = std::move(made);
}

limited_jobs::claims& limited_jobs::claims_of(const job_record& job) noexcept
{
    return static_cast<claims&>(*job.claims);
}

// ---- the line

error_code limited_jobs::add(std::unique_ptr<limited_job>& job) noexcept
{
    {
        std::lock_guard lock(mutex_);
        if (closed_)
            return errc::closed;
        claims& c = claims_of(job->record());
        try {
            c.queued = waiting_.push(c.key, job.get());
        } catch (const std::bad_alloc&) {
            return boost::asio::error::no_memory;
        }
        ++accepted_;
        stand_in_line(c, job.release());
        end_if_held_too_long(c, time_->now());
    }
    look_again();
    return error_code();
}

void limited_jobs::stand_in_line(claims& c, limited_job* job) noexcept
{
    c.held_back = claims::place::in_line;
    c.job = job;
    if (const time_point at = job->record().options.deadline(); at != time_point::max())
        deadlines_.put(c, at);
    know_task(c);
}

// A task that is cancelled before this has to be looked for here, and after this it looks for the
// limits.
void limited_jobs::know_task(claims& c) noexcept
{
    task_base* const task = c.job->task();
    if (task != nullptr)
        task->held_back = &c;
    const bool is_cancelled = (task != nullptr && task->asked() != cancel_reason::none) ||
                              c.job->record().options.token().cancelled();
    if (is_cancelled)
        let_go(c);
}

void limited_jobs::cancelled(task_base& task) noexcept
{
    {
        std::lock_guard lock(mutex_);
        if (task.held_back == nullptr)
            return;
        let_go(static_cast<claims&>(*task.held_back));
    }
    look_again();
}

// It is on its way to its end, if it is held back.
void limited_jobs::let_go(claims& c) noexcept
{
    if (c.held_back == claims::place::elsewhere || c.held_back == claims::place::let_go)
        return;
    take_out(c);
    c.held_back = claims::place::let_go;
    let_go_.push_back(c);
}

void limited_jobs::take_out(claims& c) noexcept
{
    switch (c.held_back) {
    case claims::place::in_line:
        (void)waiting_.take(c.queued);
        if (c.is_in_heap())
            deadlines_.remove(c);
        break;
    case claims::place::asleep:
        sleeping_.remove(c);
        break;
    case claims::place::let_go:
        let_go_.erase(c);
        break;
    case claims::place::elsewhere:
        break;
    }
    c.held_back = claims::place::elsewhere;
}

// ---- the end

void limited_jobs::close() noexcept
{
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
    }
    admission_->close();
    if (shares_)
        shares_->close();
    look_again();
}

void limited_jobs::finish_by(time_point limit) noexcept
{
    {
        std::lock_guard lock(mutex_);
        no_later_ = limit;
        list<claims> in_time;
        while (!sleeping_.empty()) {
            claims& c = sleeping_.first();
            const bool stays = sleeping_.first_at() <= limit;
            if (stays) {
                sleeping_.remove(c);
                in_time.push_back(c);
            } else {
                end_sleep(c);
            }
        }
        while (!in_time.empty()) {
            claims& c = in_time.pop_front();
            sleeping_.put(c, c.wakes);
        }
    }
    look_again();
}

what_holds_back limited_jobs::looked_at() const
{
    const std::lock_guard lock(mutex_);
    const time_point now = time_->now();
    what_holds_back seen;
    seen.in_line = waiting_.queued();
    seen.asleep = sleeping_.size();
    const auto obstacles = waiting_.obstacles(now);
    seen.held_keys = obstacles.held;
    seen.full_keys = obstacles.full;
    seen.broken_keys = breaker_ ? breaker_->refusing(now) : 0;
    if (rate_)
        seen.next_start = std::max(duration::zero(), rate_->when(1, now) - now);
    return seen;
}

void limited_jobs::let_all_go() noexcept
{
    {
        std::lock_guard lock(mutex_);
        letting_go_ = true;
    }
    look_again();
}

void limited_jobs::drop_all(bool unfinished) noexcept
{
    for (;;) {
        std::unique_ptr<limited_job> job;
        {
            std::lock_guard lock(mutex_);
            let_one_go();
            if (!let_go_.empty())
                job = release(let_go_.pop_front());
        }
        if (!job)
            return look_again();
        job->drop(unfinished);
    }
}

// ---- the accounts

std::uint64_t limited_jobs::accepted() const noexcept
{
    std::lock_guard lock(mutex_);
    return accepted_;
}

duration limited_jobs::least_interval() const noexcept
{
    if (!options_.rate)
        return duration::zero();
    const weir::rate& each = options_.rate->each;
    return each.period() / static_cast<duration::rep>(
                               std::min<std::uint64_t>(each.count(), std::uint64_t{1} << 62));
}

std::size_t limited_jobs::ahead() const noexcept
{
    std::lock_guard lock(mutex_);
    const time_point now = time_->now();
    const bool may_start =
        handed_ < pool_.useful_workers() && (!rate_ || rate_->when(1, now) <= now);
    return may_start ? 0 : waiting_.queued();
}

std::size_t limited_jobs::waiting() const noexcept
{
    std::lock_guard lock(mutex_);
    return waiting_.queued();
}

std::size_t limited_jobs::sleeping() const noexcept
{
    std::lock_guard lock(mutex_);
    return asleep_;
}

std::uint64_t limited_jobs::retried() const noexcept
{
    std::lock_guard lock(mutex_);
    return retried_;
}

} // namespace detail
} // namespace weir
