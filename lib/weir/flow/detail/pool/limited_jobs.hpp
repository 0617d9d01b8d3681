#pragma once

#include <weir/detail/gcra.hpp>
#include <weir/detail/instant_heap.hpp>
#include <weir/detail/list.hpp>
#include <weir/detail/time_service.hpp>
#include <weir/flow/detail/pool/job_limits.hpp>
#include <weir/flow/detail/pool/limit_options.hpp>
#include <weir/policy/admission.hpp>
#include <weir/policy/breaker.hpp>
#include <weir/policy/keyed_semaphore.hpp>
#include <weir/policy/schedule.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace weir::detail {

class pool_state;

/// The jobs of a pool that wait for its limits: those of their keys, the rate, and their next
/// attempt.
///
/// A job has a place from its acceptance to its end. It is handed over when its key has room, the
/// rate allows another start, its breaker lets it, and a worker is free for it. So it takes the
/// narrow limits before the wide one, and one that is held back holds no worker. One that is
/// cancelled, or whose deadline has come, is handed over at once, and ends there.
///
/// Lifetime: the pool's; claims may outlive it.
class limited_jobs final : public job_limits, public std::enable_shared_from_this<limited_jobs> {
public:
    limited_jobs(pool_state& owner, const limit_options& options);
    ~limited_jobs() override;

    void start() override;

    error_code try_admit(job_record& job) override;
    void async_admit(std::unique_ptr<place_waiter>& waiter,
                     const boost::asio::any_io_executor& executor,
                     boost::asio::cancellation_slot slot) override;
    error_code add(std::unique_ptr<limited_job>& job) noexcept override;

    std::optional<time_point> next_attempt(const job_record& job,
                                           const std::exception_ptr& error) override;
    void sleep(std::unique_ptr<limited_job> job, time_point until) noexcept override;
    bool taken(job_record& job) noexcept override;
    void ended(const job_record& job, verdict how) noexcept override;
    void cancelled(task_base& task) noexcept override;

    void close() noexcept override;
    void finish_by(time_point limit) noexcept override;
    void let_all_go() noexcept override;
    void drop_all(bool unfinished) noexcept override;
    what_holds_back looked_at() const override;
    void resized() override;
    void look_again() noexcept override;

    std::uint64_t accepted() const noexcept override;
    duration least_interval() const noexcept override;
    std::size_t ahead() const noexcept override;
    std::size_t waiting() const noexcept override;
    std::size_t sleeping() const noexcept override;
    std::size_t waiting_submitters() const noexcept override { return submitting_.load(); }
    std::uint64_t retried() const noexcept override;

private:
    using job_schedule = schedule<std::string, limited_job*>; // which it owns
    using lock_type = std::unique_lock<std::mutex>;
    class claims;
    class clock;
    struct token_hook;

    struct admitting;
    struct admitted;

    static claims& claims_of(const job_record& job) noexcept;
    hold_result hold(claims& c, time_point until);
    limit places() const noexcept;
    limit share_of(limit places) const noexcept;
    admission_request<> request_for(const job_record& job) const;
    bool needs_share(const job_record& job) const noexcept;
    std::shared_ptr<limited_jobs> give_up(claims& c) noexcept;
    error_code claim(job_record& job, keyed_permit<std::string>&& share,
                     admission_pass<>&& pass) noexcept;
    time_point due() const noexcept;
    void set_clocks() noexcept;

    // Under the mutex; those with the lock leave it meanwhile.
    bool is_over() const noexcept;
    void stand_in_line(claims& c, limited_job* job) noexcept;
    void know_task(claims& c) noexcept;
    void let_go(claims& c) noexcept;
    void let_one_go() noexcept;
    void enter_breaker(claims& c, job_record& record, time_point now) noexcept;
    void end_sleep(claims& c) noexcept;
    void end_if_held_too_long(claims& c, time_point now) noexcept;
    void end_held(job_record& record) noexcept;
    std::unique_ptr<limited_job> release(claims& c) noexcept;
    void take_out(claims& c) noexcept;
    void wake_sleepers(time_point now) noexcept;
    void let_late_ones_go(time_point now) noexcept;
    bool hand_over_next(lock_type& lock, time_point now);
    void hand_over(lock_type& lock, claims& c);
    void settle(claims& c, verdict how, bool ran) noexcept;

    pool_state& pool_;
    const limit_options options_;
    admission_limits admission_limits_; // until `admission_` is made
    const admission_count places_count_;
    const admission_count bytes_count_;
    std::optional<admission<>> admission_;
    // Of the places, by key. Not `admission_limits::per_key`: a submitter that waits for its key
    // would keep its claim on a place, and those of one key would claim all places.
    std::optional<keyed_semaphore<std::string>> shares_;
    const std::shared_ptr<const clock_source> time_;
    std::optional<breaker<std::string>> breaker_;
    // Made before they are needed: then there may be no memory.
    const std::exception_ptr is_open_ = std::make_exception_ptr(system_error(errc::breaker_open));
    const std::exception_ptr is_held_too_long_ =
        std::make_exception_ptr(system_error(errc::held_too_long));

    std::atomic<std::size_t> submitting_{0}; // submitters that wait, also those admitted since

    mutable std::mutex mutex_; // of all below
    std::vector<std::shared_ptr<clock>> clocks_;
    job_schedule waiting_;
    // A job that is held back is in `waiting_`, `sleeping_` or `let_go_`; those that wait and have
    // a deadline are in `deadlines_` too.
    instant_heap<claims> deadlines_;
    instant_heap<claims> sleeping_;
    list<claims> let_go_; // to be handed over, whatever the limits say: a worker ends them
    std::optional<gcra> rate_;
    std::size_t claims_ = 0; // jobs that were admitted and have not ended
    std::size_t handed_ = 0; // were handed over, and have neither ended nor been put to sleep
    std::size_t asleep_ = 0; // those too that are on their way from there to a worker
    std::uint64_t accepted_ = 0;
    std::uint64_t retried_ = 0;
    time_point due_ = time_point::max();      // when to look again, if nothing happens
    time_point no_later_ = time_point::max(); // than this may a job wake
    bool closed_ = false;
    bool letting_go_ = false;
    bool over_ = false;
    bool handing_over_ = false; // a thread does; one that comes meanwhile leaves a note
    bool again_ = false;
};

} // namespace weir::detail
