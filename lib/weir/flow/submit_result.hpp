#pragma once

#include <weir/detail/result_access.hpp>
#include <weir/error.hpp>
#include <weir/flow/outcome.hpp>

#include <optional>
#include <utility>

namespace weir {

/// The result of a submit: the job was accepted and has an id, or it is handed back with the
/// reason.
template <class Job>
class [[nodiscard]] submit_result {
public:
    explicit submit_result(job_id id) : id_(id) {}
    submit_result(error_code error, Job&& job) : error_(error), job_(std::move(job)) {}

    /// True: accepted. The job will have exactly one outcome.
    explicit operator bool() const noexcept { return !error_; }
    const error_code& error() const noexcept { return error_; }
    /// The id that its outcome will carry; 0 when rejected.
    job_id id() const noexcept { return id_; }
    /// The job, handed back. Only when rejected.
    Job& job() & { return job_.value(); }
    Job&& job() && { return std::move(job_).value(); }

private:
    friend struct detail::result_access;

    error_code error_;
    job_id id_ = 0;
    std::optional<Job> job_;
};

} // namespace weir
