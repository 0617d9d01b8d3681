#pragma once

#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/flow/detail/pool/worker_kinds.hpp>
#include <weir/flow/own_queue.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/overflow.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace weir::detail {

template <class Queue>
inline constexpr bool is_channel = false;
template <class T, class Executor>
inline constexpr bool is_channel<channel<T, Executor>> = true;

/// What the queue itself does when it is full: a job that its caller runs never enters it.
inline overflow queue_rule(overflow rule) noexcept
{
    return rule == overflow::caller_runs ? overflow::wait : rule;
}

/// Makes a queue of the pool's own.
template <class Queue, class Hook>
void open_own(std::optional<Queue>& queue, const pool_state& owner, std::size_t capacity,
              overflow rule, Hook hook)
{
    if constexpr (is_channel<Queue>) {
        queue.emplace(owner.get_executor(), capacity, rule, std::move(hook));
    } else {
        if (rule == overflow::drop_oldest || rule == overflow::drop_newest)
            throw std::invalid_argument("weir: Asio's channels drop nothing: use another rule");
        queue.emplace(owner.get_executor(), capacity, std::move(hook));
    }
}

/// From here on a channel of the user's is not touched any more.
template <class Queue>
void disconnect(Queue& queue) noexcept
{
    if constexpr (!is_channel<Queue>)
        queue.disconnect();
}

/// A pool with its queue of jobs and its way out for outcomes.
///
/// The queue's values are numbered jobs, or bare ones, which are numbered as they are taken out.
///
/// `Outlet` says where outcomes go: `result_outlet`, `task_outlet`. Its `publish` returns true when
/// the outcome is delivered; `publish_later`, awaited, waits where it has to; `publish_now` is for
/// where nothing can wait.
template <class Job, class Queue, class Outlet>
class pool_queues : public pool_state {
public:
    using job_type = Job;
    using queue_type = Queue;
    using result_type = typename Outlet::result_type;
    static constexpr bool delivers_to_job = Outlet::delivers_to_job;
    static constexpr bool are_numbered =
        std::is_same_v<typename Queue::value_type, numbered_job<Job>>;
    /// Jobs may be taken out several at a time, in one go.
    static constexpr bool in_batches = is_channel<Queue> && are_numbered;

    template <class Source, class... Args>
    [[gnu::cold]] pool_queues(std::vector<executor_type> where, const pool_options& options,
                              [[maybe_unused]] Source& source, Args&&... args)
        : pool_state(std::move(where), options), outlet_(*this, std::forward<Args>(args)...)
    {
        const auto on_undelivered = [this](typename Queue::value_type&& j) {
            std::optional<typename Queue::value_type> job(std::move(j));
            drop(*number(std::move(job)));
        };
        if constexpr (std::is_same_v<Source, own_queue>) {
            const std::size_t capacity =
                this->limits() == nullptr ? options.queue() : room_to_hand_over;
            open_own(jobs_, *this, capacity, queue_rule(options.when_full()), on_undelivered);
        } else {
            if (this->limits() != nullptr)
                throw std::invalid_argument("weir::pool_options: limits besides the number of "
                                            "workers need the pool's own queue of jobs");
            use(source, on_undelivered);
        }
    }

    queue_type& jobs() noexcept { return *jobs_; }
    /// Whether it would probably end too late: for pools that reject that.
    bool comes_late(const ticket& job) const
    {
        const std::size_t held_back = this->limits() != nullptr ? this->limits()->ahead() : 0;
        return this->is_late(job, jobs_->size() + held_back);
    }

    /// Puts it in the queue now. On error it is as it was. Not inline, for there it would keep the
    /// usual way in from being so.
    [[gnu::cold, gnu::noinline]] error_code give(numbered_job<Job>& job) noexcept
    {
        return jobs_->try_send(std::move(job)).error();
    }

    /// Gives a job that was admitted to the limits. On error it is as it was.
    error_code accept_limited(numbered_job<Job>& job) noexcept
    {
        std::unique_ptr<waiting_job> waits;
        try {
            waits = std::make_unique<waiting_job>(*this);
        } catch (const std::bad_alloc&) {
            return boost::asio::error::no_memory;
        }
        waits->item.emplace(std::move(job));
        std::unique_ptr<limited_job> added(waits.release());
        const error_code error = this->limits()->add(added);
        if (error)
            job = std::move(*static_cast<waiting_job&>(*added).item);
        return error;
    }
    Outlet& outlet() noexcept { return outlet_; }
    [[gnu::cold]] void close_results() noexcept override { outlet_.close(); }

    /// Runs one job beside the residents, on an executor of its submitter's or, when that is empty,
    /// on one of the pool's. False: the pool is closed, and the arguments are as they were.
    virtual bool run_beside(executor_type where, numbered_job<Job>&& job,
                            std::unique_ptr<end_callback>&& on_end) = 0;

protected:
    /// An attempt of the worker's job failed. True: it will be run again, and is as good as never
    /// run.
    bool run_again(worker& w, numbered_job<Job>& job, const outcome<result_type>& out)
    {
        return this->options().retries() && try_again(w, job, outcome_access::thrown(out));
    }

    /// Runs a job that came out of the queue beside the residents, on one of the pool's executors.
    /// When it throws, the job is as it was.
    virtual void run_accepted(numbered_job<Job>&& job) = 0;

    /// Numbers what came out of the queue, if it was not.
    std::optional<numbered_job<Job>> number(std::optional<typename Queue::value_type>&& job)
    {
        if constexpr (are_numbered) {
            return std::move(job);
        } else {
            if (!job)
                return std::nullopt;
            return numbered_job<Job>(next_ticket(nullptr), std::move(*job));
        }
    }

    /// A job that was accepted never starts: its queue, or its context, is being destroyed, or it
    /// made room for another.
    [[gnu::cold]] void drop(numbered_job<Job> j) noexcept
    {
        const status how = end_elsewhere(j.number);
        if constexpr (!delivers_to_job)
            keep(j.number, std::move(j.job));
        if (how == status::failed) {
            std::exception_ptr error = j.number.record->last_error;
            return outlet_.publish_now(
                j.job, outcome_access::make<result_type>(std::move(j.number), how,
                                                         cancel_reason::none, std::move(error)));
        }
        const bool overloaded = stopping() == cancel_reason::none &&
                                queue_rule(options().when_full()) != overflow::wait;
        outlet_.publish_now(j.job,
                            outcome_access::make<result_type>(
                                std::move(j.number), status::dropped,
                                overloaded ? cancel_reason::overload : cancel_reason::shutdown));
    }

    /// With its outcome, if the pool keeps jobs. Without memory it is not kept.
    template <class From>
    void keep(ticket& number, From&& job) const noexcept
    {
        if (!number.record || !options().keeps_jobs())
            return;
        try {
            number.record->kept = std::make_shared<Job>(std::forward<From>(job));
            number.record->type = &typeid(Job);
        } catch (...) {
        }
    }

    void accept_directly() noexcept { accepted_directly_.fetch_add(1, std::memory_order_acq_rel); }

private:
    [[gnu::cold, gnu::noinline]] bool try_again(worker& w, numbered_job<Job>& job,
                                                const std::exception_ptr& error)
    {
        std::unique_ptr<waiting_job> waits;
        try {
            waits = std::make_unique<waiting_job>(*this);
        } catch (const std::bad_alloc&) {
            return false;
        }
        const auto at = this->end_attempt(w, job.number, error);
        if (!at)
            return false;
        if constexpr (delivers_to_job)
            this->no_longer_runs(*job.job);
        waits->item.emplace(std::move(job));
        this->limits()->sleep(std::move(waits), *at);
        return true;
    }

    /// A job that waits for its limits.
    struct waiting_job final : limited_job {
        explicit waiting_job(pool_queues& of) noexcept : owner(of) {}

        job_record& record() noexcept override { return *item->number.record; }
        task_base* task() noexcept override
        {
            if constexpr (delivers_to_job)
                return item->job.get();
            return nullptr;
        }
        void hand_over() noexcept override { owner.hand_over(std::move(*item)); }
        void drop(bool unfinished) noexcept override
        {
            if (unfinished)
                owner.note_dropped(item->number);
            owner.drop(std::move(*item));
        }

        pool_queues& owner;
        std::optional<numbered_job<Job>> item;
    };

    // Workers that are free take jobs out at once.
    static constexpr std::size_t room_to_hand_over = 64;

    bool has_room() const noexcept override
    {
        return this->workers().is_unlimited() || jobs_->size() < jobs_->capacity();
    }

    void hand_over(numbered_job<Job>&& job) noexcept
    {
        if constexpr (are_numbered) {
            if (!this->workers().is_unlimited()) {
                if (give(job))
                    drop(std::move(job));
                return;
            }
        }
        try {
            run_accepted(std::move(job));
        } catch (const std::bad_alloc&) { // for a worker, which drops the job if it has it
            if (job.number.record)
                drop(std::move(job));
        }
    }

    // A channel that one thread at a time may use says that the executor of its users is serial.
    template <class Source, class Hook>
    void use(Source& source, Hook on_undelivered)
    {
        jobs_.emplace(source, Queue::plain_side_of_jobs, std::span(executors()), on_undelivered);
        if (!Queue::is_concurrent)
            assume_serial_executors();
    }

    [[gnu::cold]] void close_jobs() noexcept override { jobs_->close(); }
    bool jobs_ended() const noexcept override { return jobs_->is_ended(); }
    std::uint64_t accepted() const noexcept override
    {
        if (this->limits() != nullptr)
            return this->limits()->accepted();
        return jobs_->sent() + accepted_directly_.load();
    }

    [[gnu::cold]] void drop_queued() noexcept override
    {
        if (this->limits() != nullptr)
            this->limits()->drop_all(false);
        while (auto job = number(jobs_->try_receive()))
            drop(std::move(*job));
    }

    void drop_unfinished() override
    {
        if (this->limits() != nullptr)
            this->limits()->drop_all(true);
        while (auto job = number(jobs_->try_receive())) {
            note_dropped(job->number);
            drop(std::move(*job));
        }
    }

    void measure(pool_stats& stats) const override
    {
        if constexpr (is_channel<Queue>)
            stats.waiting_submitters = jobs_->waiting_senders();
        if (this->limits() != nullptr)
            stats.waiting_submitters = this->limits()->waiting_submitters();
        stats.results = outlet_.size();
    }

    std::atomic<std::uint64_t> accepted_directly_{0};
    Outlet outlet_; // before the queue, whose jobs end here when it is destroyed
    std::optional<queue_type> jobs_;
};

} // namespace weir::detail
