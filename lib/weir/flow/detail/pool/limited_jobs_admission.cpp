#include <weir/flow/detail/pool/limited_job_claims.hpp>
#include <weir/flow/pool_options.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <new>
#include <utility>

// Submitters: how a job gets its place, its bytes and its key's share, at once or after a wait.

namespace weir {
namespace detail {

// A job keeps its place while it runs, because it may have to wait again.
limit limited_jobs::places() const noexcept
{
    return pool_.places();
}

limit limited_jobs::share_of(limit places) const noexcept
{
    constexpr double rounded_up = 1 + 1e-12; // 0.29 of 100 is 29, though 0.29 is a little less
    const double share = options_.key_share * static_cast<double>(places.count()) * rounded_up;
    if (share >= static_cast<double>(places.count()))
        return places;
    return limit(std::max<std::size_t>(1, static_cast<std::size_t>(share)));
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

} // namespace detail
} // namespace weir
