#pragma once

#include <weir/duration.hpp>

#include <string>
#include <utility>

namespace weir {

/// What may be said about one job when it is submitted. Each setter returns the object, so that
/// they may be chained.
///
/// Memory: a job that has any of these costs one allocation more.
class job_options {
public:
    job_options() {}

    /// What people call it. In its outcome, its context and the reports. Default: none.
    job_options& name(std::string name)
    {
        name_ = std::move(name);
        return *this;
    }

    /// What it belongs to: a host, a customer. Told as the name is; limits nothing by itself.
    job_options& key(std::string key)
    {
        key_ = std::move(key);
        return *this;
    }

    /// When it must have ended; waiting counts. Whoever still waits for a place then is rejected
    /// with `errc::timed_out`; a job that was accepted ends as `timed_out`, and if it had not
    /// started it never does. Default: none.
    job_options& deadline(time_point at)
    {
        deadline_ = at;
        return *this;
    }

    const std::string& name() const noexcept { return name_; }
    const std::string& key() const noexcept { return key_; }
    time_point deadline() const noexcept { return deadline_; }

private:
    std::string name_;
    std::string key_;
    time_point deadline_ = time_point::max();
};

} // namespace weir
