#pragma once

#include <weir/duration.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/job_id.hpp>
#include <weir/run/cancel.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
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

protected:
    explicit job_context(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
    ~job_context() = default;

    boost::asio::any_io_executor executor_;
    job_id id_ = 0;
    const detail::job_record* record_ = nullptr;
    time_point deadline_ = time_point::max();
    cancel_reason reason_ = cancel_reason::none;
    const std::atomic<cancel_reason>* asked_ = nullptr; // by the job's task
};

} // namespace weir
