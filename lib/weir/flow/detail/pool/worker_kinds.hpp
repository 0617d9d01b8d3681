#pragma once

#include <weir/flow/detail/pool/taken_jobs.hpp>
#include <weir/flow/detail/pool/worker.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <utility>

namespace weir::detail {

/// A worker that takes jobs again and again.
template <class Taken>
class resident_worker final : public worker {
public:
    explicit resident_worker(boost::asio::any_io_executor executor)
        : worker(std::move(executor), role::resident, own_), own_(job_counters::writers::one)
    {
    }

    Taken taken;

private:
    alignas(64) job_counters own_; // a cache line that only this worker writes to
};

/// Called when a temporary worker has run its job.
class end_callback {
public:
    end_callback() = default;
    end_callback(const end_callback&) = delete;
    end_callback& operator=(const end_callback&) = delete;
    virtual ~end_callback() = default;

    virtual void job_ended() = 0;
};

/// A worker for one job, beside the residents.
template <class Job>
class temporary_worker final : public worker {
public:
    temporary_worker(boost::asio::any_io_executor executor, job_counters& counted)
        : worker(std::move(executor), role::temporary, counted)
    {
    }

    taken_job<Job> taken;
    std::unique_ptr<end_callback> on_end; // may be null
};

} // namespace weir::detail
