#include <weir/flow/detail/pool/limited_jobs.hpp>

#include <weir/detail/own_timer.hpp>
#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/flow/detail/pool/task_state.hpp>
#include <weir/flow/pool_options.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace weir {
namespace detail {

/// What a job holds, from its acceptance to its end.
class limited_jobs::claims final : public job_claims, public instant_heap_node, public list_node<> {
public:
    claims(const std::string& k, keyed_permit<std::string>&& s, admission_pass<>&& p) noexcept
        : key(k), share(std::move(s)), pass(std::move(p))
    {
    }
    ~claims() override
    {
        if (owner) // it was admitted, and not accepted then
            owner->give_up(*this);
    }

    void hold(time_point until) override
    {
        if (const auto kept = owner)
            kept->hold(*this, until);
    }

    enum class place : std::uint8_t { elsewhere, in_line, asleep, let_go };

    const std::string& key;               // the record's
    std::shared_ptr<limited_jobs> owner;  // until it has ended
    keyed_permit<std::string> share;      // of the places
    admission_pass<> pass;                // the place and its bytes
    std::shared_ptr<token_hook> on_token; // when it has one
    limited_job* job = nullptr;           // owned, while it is held back
    place held_back = place::elsewhere;
    job_schedule::waiting queued;
    time_point wakes;                          // when it is asleep
    time_point not_before = time_point::min(); // may its next attempt begin
    bool handed_over = false;
    bool sleeps = false;                // until a worker has taken it
    job_schedule::place running;        // among those of its key
    breaker<std::string>::pass allowed; // by its breaker
    std::uint32_t attempts = 0;         // that were begun before
};

/// Is told when the token of a job is cancelled.
struct limited_jobs::token_hook final : cancel_state {
    token_hook(claims& c, std::weak_ptr<pool_state> of)
        : cancel_state(told), job(&c), pool(std::move(of))
    {
    }

    static void told(cancel_state& state) noexcept
    {
        auto& self = static_cast<token_hook&>(state);
        const auto kept = self.pool.lock();
        if (!kept)
            return;
        auto& limits = static_cast<limited_jobs&>(*kept->limits());
        {
            std::lock_guard lock(limits.mutex_);
            if (self.job == nullptr)
                return;
            limits.let_go(*self.job);
        }
        limits.look_again();
    }

    claims* job; // under the mutex of the limits; null when it has ended
    const std::weak_ptr<pool_state> pool;
};

/// Wakes the limits, by the clock of one of the pool's contexts.
class limited_jobs::clock final : public own_timer {
public:
    clock(const boost::asio::any_io_executor& executor, std::weak_ptr<pool_state> of)
        : own_timer(executor), pool_(std::move(of))
    {
    }

private:
    limited_jobs& limits(pool_state& of) const { return static_cast<limited_jobs&>(*of.limits()); }

    time_point next_due() noexcept override
    {
        const auto kept = pool_.lock();
        return kept ? limits(*kept).due() : time_point::max();
    }
    void due() noexcept override
    {
        if (const auto kept = pool_.lock())
            limits(*kept).look_again();
    }
    // Without a clock it would never be time: what waits for a moment goes now.
    void lost(int) noexcept override
    {
        if (const auto kept = pool_.lock())
            limits(*kept).let_all_go();
    }
    void context_gone() noexcept override { due(); }

    const std::weak_ptr<pool_state> pool_;
};

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

// ---- submitters

// A job keeps its place while it runs, because it may have to wait again.
limit limited_jobs::places() const noexcept
{
    return pool_.places();
}

limit limited_jobs::share_of(limit places) const noexcept
{
    return limit(std::max<std::size_t>(
        1, static_cast<std::size_t>(options_.key_share * static_cast<double>(places.count()))));
}

admission_request<> limited_jobs::request_for(const job_record& job) const
{
    admission_request<> asked;
    asked.take(places_count_);
    if (job.options.bytes() != 0 && !options_.bytes.is_unlimited())
        asked.take(bytes_count_, job.options.bytes());
    return asked;
}

bool limited_jobs::needs_share(const job_record& job) const noexcept
{
    return shares_ && !job.options.key().empty();
}

// The memory that its claims and a sleep need is there before it is accepted.
error_code limited_jobs::claim(job_record& job, keyed_permit<std::string>&& share,
                               admission_pass<>&& pass) noexcept
{
    try {
        auto own = std::make_unique<claims>(job.options.key(), std::move(share), std::move(pass));
        if (job.options.token().can_be_cancelled())
            own->on_token = std::make_shared<token_hook>(*own, pool_.weak_from_this());
        {
            std::lock_guard lock(mutex_);
            deadlines_.reserve(claims_ + 1);
            if (options_.retry)
                sleeping_.reserve(claims_ + 1);
            ++claims_;
        }
        own->owner = shared_from_this();
        const auto hook = own->on_token;
        job.claims = std::move(own);
        if (hook)
            cancel_state::link(job.options.token(), hook);
    } catch (const std::bad_alloc&) {
        job.claims.reset();
        return boost::asio::error::no_memory;
    }
    return error_code();
}

error_code limited_jobs::try_admit(job_record& job)
{
    if (admission_->is_closed())
        return errc::closed;
    if (!options_.bytes.is_unlimited() && job.options.bytes() > options_.bytes.count())
        return errc::too_large;
    keyed_permit<std::string> share;
    if (needs_share(job)) {
        share = shares_->try_acquire(job.options.key());
        if (!share)
            return errc::full;
    }
    auto pass = admission_->try_acquire(request_for(job));
    return pass ? claim(job, std::move(share), std::move(pass)) : make_error_code(errc::full);
}

/// A submitter that waits: first for its key's share, then for a place and bytes. What it holds
/// meanwhile keeps back its own key only.
struct limited_jobs::admitting {
    admitting(std::shared_ptr<limited_jobs> of, const boost::asio::any_io_executor& where,
              boost::asio::cancellation_slot slot)
        : limits(std::move(of)), executor(where),
          cancelled(slot, boost::asio::enable_total_cancellation(),
                    boost::asio::enable_total_cancellation())
    {
        limits->submitting_.fetch_add(1);
    }
    admitting(const admitting&) = delete;
    admitting& operator=(const admitting&) = delete;
    ~admitting() { limits->submitting_.fetch_sub(1); }

    time_point deadline() { return waiter->record().options.deadline(); }

    std::shared_ptr<limited_jobs> limits;
    std::unique_ptr<place_waiter> waiter;
    boost::asio::any_io_executor executor;
    // A request that comes between the two waits counts.
    boost::asio::cancellation_state cancelled;
    keyed_permit<std::string> share;
};

/// Completes one of these waits.
struct limited_jobs::admitted {
    using executor_type = boost::asio::any_io_executor;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    executor_type get_executor() const noexcept { return own->executor; }
    cancellation_slot_type get_cancellation_slot() const noexcept { return own->cancelled.slot(); }

    void operator()(error_code error, keyed_permit<std::string> share)
    {
        if (!error && own->cancelled.cancelled() != boost::asio::cancellation_type::none)
            error = boost::asio::error::operation_aborted;
        if (error)
            return end(error);
        own->share = std::move(share);
        wait_for_place(std::move(own));
    }

    void operator()(error_code error, admission_pass<> pass)
    {
        if (!error)
            error =
                own->limits->claim(own->waiter->record(), std::move(own->share), std::move(pass));
        end(error);
    }

    // Its handler may submit again, and is not behind itself then.
    void end(error_code error)
    {
        const auto waiter = std::move(own->waiter);
        waiter->admitted(error);
        own.reset();
        waiter->complete();
    }

    // Where there is no memory, these complete with that error.
    static void wait_for_share(std::unique_ptr<admitting> submitter, std::string key)
    {
        limited_jobs& limits = *submitter->limits;
        const time_point deadline = submitter->deadline();
        limits.shares_->async_acquire_until(deadline, std::move(key),
                                            admitted{std::move(submitter)});
    }
    static void wait_for_place(std::unique_ptr<admitting> submitter)
    {
        limited_jobs& limits = *submitter->limits;
        const time_point deadline = submitter->deadline();
        auto asked = limits.request_for(submitter->waiter->record());
        limits.admission_->async_acquire_until(deadline, std::move(asked),
                                               admitted{std::move(submitter)});
    }

    std::unique_ptr<admitting> own;
};

void limited_jobs::async_admit(std::unique_ptr<place_waiter>& waiter,
                               const boost::asio::any_io_executor& executor,
                               boost::asio::cancellation_slot slot)
{
    const bool share_first = needs_share(waiter->record());
    std::string key(share_first ? waiter->record().options.key() : std::string());
    auto own = std::make_unique<admitting>(shared_from_this(), executor, slot);
    own->waiter = std::move(waiter);
    if (share_first)
        admitted::wait_for_share(std::move(own), std::move(key));
    else
        admitted::wait_for_place(std::move(own));
}

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

// ---- workers

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

void limited_jobs::hold(claims& c, time_point until)
{
    {
        std::lock_guard lock(mutex_);
        const time_point now = time_->now();
        if (until <= now)
            return;
        c.not_before = std::max(c.not_before, until);
        if (!c.key.empty()) {
            if (waiting_.hold(c.key, until, now) == hold_result::too_long)
                while (const auto job = waiting_.take(c.key))
                    end_held((*job)->record());
        }
    }
    look_again();
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

// ---- handing over

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
