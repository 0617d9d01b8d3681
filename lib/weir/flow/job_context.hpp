#pragma once

#include <weir/duration.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/job_id.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/policy/hold_result.hpp>
#include <weir/run/cancel.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace weir {

/// What a running job can ask about itself. Passed to handlers of the form `(Job, job_context&)`.
///
/// Threads: use it on the job's executor, where the handler runs.
/// Lifetime: valid until the handler has ended.
class job_context {
public:
    job_context(const job_context&) = delete;
    job_context& operator=(const job_context&) = delete;

    job_id id() const noexcept { return id_; }
    /// The name and the key from its `job_options`; empty when it had none.
    std::string_view name() const noexcept { return detail::name_of(record_); }
    std::string_view key() const noexcept { return detail::key_of(record_); }
    boost::asio::any_io_executor get_executor() const { return executor_; }

    /// When the job will be cancelled: the pool's timeout or its own deadline, whichever is first.
    /// `time_point::max()` when neither is set.
    time_point deadline() const noexcept { return deadline_; }

    /// Whether the job was asked to end, and why. For a coroutine job its current operation is
    /// cancelled, too.
    bool cancelled() const noexcept { return reason() != cancel_reason::none; }
    cancel_reason reason() const noexcept
    {
        if (reason_ != cancel_reason::none)
            return reason_;
        // A plain job keeps its thread, so a request cannot be posted to it: look for it here.
        const cancel_reason asked = asked_ ? asked_->load() : cancel_reason::none;
        return asked != cancel_reason::none ? asked : detail::asked_by_token(record_);
    }

    /// For the jobs that this one submits, to this pool or another: its name, its key and its
    /// deadline, and a token that is cancelled when this job is, for the same reason. Change what
    /// should differ; a later deadline helps a sub-job nothing, because the token comes first.
    ///
    /// Of the same key, too: a job that waits for a sub-job of its own in a pool where its key is
    /// at its limit waits for itself. Give that one another key, or none.
    ///
    /// Cancellation: sub-jobs hear of a timeout, of `stop`, and of the cancellation of this job,
    ///               while it runs; not of its end. A job that keeps its thread, as a plain
    ///               callable does, hears only of its own token meanwhile, and so do its sub-jobs.
    /// Memory: the first call in a job costs two allocations.
    job_options options();

    /// The far side asked for a pause, as with HTTP's Retry-After: no job of this job's key starts
    /// before then. After it one of them goes alone, the probe; the others follow when it has
    /// succeeded. When this job fails, its own next attempt does not begin before then either, and
    /// its failure says nothing to the breaker. A hold is never shortened, and one that is over by
    /// now does nothing. Jobs that a free worker was given before the hold start all the same.
    ///
    /// A hold of more than two minutes means "go away": the jobs of the key that wait in line, and
    /// those that come there meanwhile, end as `failed` with `errc::held_too_long`.
    ///
    /// `held`: so it is, or that instant is past. `too_long`: it is, for more than two minutes.
    /// `refused`: the key is not held, because 65,536 others are, or were in the last two minutes,
    /// and its jobs go on starting; the next attempt of this one waits all the same.
    ///
    /// Shape: for pools with one of the limits of `pool_options` from `per_key` on; in another it
    ///        does nothing, and is `refused`. A job without a key holds itself only.
    hold_result hold(time_point until);

protected:
    explicit job_context(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
    ~job_context() = default;

    boost::asio::any_io_executor executor_;
    job_id id_ = 0;
    const detail::job_record* record_ = nullptr;
    time_point deadline_ = time_point::max();
    cancel_reason reason_ = cancel_reason::none;
    const std::atomic<cancel_reason>* asked_ = nullptr; // by the job's task

    struct sub_jobs {
        job_id of = 0;
        std::uint32_t attempt = 0;
        cancel_source source;
    };
    std::unique_ptr<sub_jobs> sub_jobs_; // those of the attempt that asked for options
};

} // namespace weir
