#pragma once

#include <weir/duration.hpp>
#include <weir/run/cancel.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace weir {
namespace detail {
class pool_state;
class worker;
} // namespace detail

/// What a submitter may attach to one job. Each setter returns the object, so that calls can be
/// chained.
///
/// Memory: a job that has any of these costs one allocation more.
class job_options {
public:
    job_options() {}

    /// A name for people: in the job's outcome, its context and the reports. Default: none.
    job_options& name(std::string name)
    {
        name_ = std::move(name);
        return *this;
    }

    /// What the job belongs to: a host, a customer. Shown where the name is, and what
    /// `pool_options::per_key` limits. Default: none.
    job_options& key(std::string key)
    {
        key_ = std::move(key);
        return *this;
    }

    /// The point in time at which the job must have ended; waiting counts. A submitter that still
    /// waits for a place then is rejected with `errc::timed_out`. An accepted job ends as
    /// `timed_out`; if it had not started, it never does, and has its outcome when a worker comes
    /// to it. Default: none.
    job_options& deadline(time_point at)
    {
        deadline_ = at;
        return *this;
    }

    /// Cancels the job when the token's source is cancelled, from any thread: one that has not
    /// started never does, and ends as `cancelled`, when a worker comes to it. It does not end a
    /// submitter's wait for a place.
    /// Default: none.
    job_options& token(cancel_token t);

    /// Cancelling `async_run` cancels its job, too. Default: the job goes on, because another may
    /// rely on what it does.
    job_options& cancel_with_run()
    {
        cancel_with_run_ = true;
        return *this;
    }

    /// What the job holds of `pool_options::bytes`. Default 0.
    job_options& bytes(std::size_t held)
    {
        bytes_ = held;
        return *this;
    }

    const std::string& name() const noexcept { return name_; }
    const std::string& key() const noexcept { return key_; }
    time_point deadline() const noexcept { return deadline_; }
    const cancel_token& token() const noexcept { return token_; }
    bool cancels_with_run() const noexcept { return cancel_with_run_; }
    std::size_t bytes() const noexcept { return bytes_; }

private:
    friend class detail::pool_state;

    std::string name_;
    std::string key_;
    time_point deadline_ = time_point::max();
    cancel_token token_;
    // Set together with it.
    void (*listen_)(detail::worker&) = nullptr;
    bool cancel_with_run_ = false;
    std::size_t bytes_ = 0;
};

} // namespace weir
