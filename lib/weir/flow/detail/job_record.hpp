#pragma once

#include <weir/duration.hpp>
#include <weir/flow/job_id.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/flow/job_timings.hpp>
#include <weir/policy/hold_result.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>
#include <typeinfo>
#include <utility>

namespace weir {
enum class status : std::uint8_t;
} // namespace weir

namespace weir::detail {

/// What a job holds of its pool's limits, from its acceptance to its end: see `job_limits`.
class job_claims {
public:
    job_claims() = default;
    job_claims(const job_claims&) = delete;
    job_claims& operator=(const job_claims&) = delete;
    virtual ~job_claims() = default;

    /// See `job_context::hold`.
    virtual hold_result hold(time_point until) = 0;
};

/// What is known about a job beside its number, if anything.
struct job_record {
    job_record() = default;
    /// Without the claims: they are the job's own.
    job_record(const job_record& other);
    job_record& operator=(const job_record&) = delete;
    ~job_record(); // not inline: most jobs have no record

    job_options options;
    job_timings times;
    bool timed = false;                   // the pool takes timings
    std::uint32_t attempts = 0;           // that were begun
    bool never_starts = false;            // (again): it ends with the error below
    std::exception_ptr last_error;        // of the attempt before, or why it never starts
    std::shared_ptr<void> kept;           // the job, when the pool keeps jobs
    const std::type_info* type = nullptr; // of it
    std::unique_ptr<job_claims> claims;   // when the pool has limits
};

/// The record may be null.
std::string_view name_of(const job_record* record) noexcept;
std::string_view key_of(const job_record* record) noexcept;
/// Why its token was cancelled; `none` when it was not.
cancel_reason asked_by_token(const job_record* record) noexcept;

/// What the job threw, or else a `system_error` for its status, which is not ok.
std::exception_ptr error_of(std::exception_ptr thrown, status s);
/// For an outcome that has no value.
[[noreturn]] void throw_instead_of_value(const std::exception_ptr& error, status s);

/// What goes with a job from its submission to its outcome.
struct ticket {
    ticket() = default;
    ticket(job_id i) noexcept : id(i) {}

    time_point deadline() const noexcept
    {
        return record ? record->options.deadline() : time_point::max();
    }

    job_id id = 0;
    std::unique_ptr<job_record> record;
};

/// A job in its queue.
template <class Job>
struct numbered_job {
    numbered_job() requires std::default_initializable<Job> : job() {}
    numbered_job(ticket&& t, Job&& j) : number(std::move(t)), job(std::move(j)) {}

    ticket number;
    Job job;
};

} // namespace weir::detail
