#pragma once

#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/policy/retry_policy.hpp>

#include <cstddef>
#include <exception>
#include <iosfwd>
#include <string>
#include <vector>

namespace weir {

namespace detail {
class retry_run;
} // namespace detail

/// How one attempt of an `async_retry` ended.
struct retry_attempt {
    /// What it failed with; no error when it succeeded. Of an exception without a code,
    /// `errc::failed`.
    error_code error;
    /// What it threw; null when it did not.
    std::exception_ptr exception;
    time_point began;
    duration took{};

    bool succeeded() const noexcept { return !error; }
};

/// All attempts of an `async_retry`, in order, and why there was no further one.
class retry_attempts {
public:
    retry_attempts() = default;

    std::size_t size() const noexcept { return all_.size(); }
    bool empty() const noexcept { return all_.empty(); }
    const retry_attempt& operator[](std::size_t index) const { return all_[index]; }
    auto begin() const noexcept { return all_.begin(); }
    auto end() const noexcept { return all_.end(); }
    /// Precondition: there is one. There is none only when the deadline had passed, or the whole
    /// was cancelled, before the first began.
    const retry_attempt& last() const { return all_.back(); }

    retry_stop stop() const noexcept { return stop_; }

private:
    friend class detail::retry_run;

    std::vector<retry_attempt> all_;
    retry_stop stop_ = retry_stop::none;
};

/// One line: how many attempts, why there was no further one, and each error, as "2 attempts
/// (exhausted): connection refused; connection reset".
std::string to_string(const retry_attempts& attempts);
std::ostream& operator<<(std::ostream& os, const retry_attempts& attempts);

/// Whether another attempt may end better than one that failed.
enum class transience : std::uint8_t {
    by_policy, ///< the policy's rules for errors decide
    transient, ///< it may
    permanent  ///< it will not
};

/// An attempt while it runs. An operation that takes a `this_attempt&` can look at it, and say what
/// its result alone does not.
///
/// Threads: from the attempt only.
/// Lifetime: as long as the attempt.
class this_attempt {
public:
    this_attempt(const this_attempt&) = delete;
    this_attempt& operator=(const this_attempt&) = delete;

    /// From 1.
    std::size_t number() const noexcept { return number_; }
    /// The deadline of all attempts; `time_point::max()` when there is none.
    time_point deadline() const noexcept { return deadline_; }

    /// The far side asked not to be called again before this, as with HTTP's Retry-After.
    void not_before(time_point at) noexcept { not_before_ = at; }
    /// The same by its length, which counts from the end of the attempt.
    void wait_at_least(duration length) noexcept { wait_ = length; }

    /// The attempt has failed, whatever its operation completes with: an answer that asks to come
    /// back later is a value, and no success. The value of the last attempt is still handed out.
    /// The operation may know more than the code says: the policy's rules are not asked then.
    void failed(error_code why, transience how = transience::by_policy) noexcept
    {
        failed_ = why;
        how_ = how;
    }

private:
    friend class detail::retry_run;
    this_attempt() = default;

    std::size_t number_ = 0;
    time_point deadline_ = time_point::max();
    time_point not_before_ = time_point::min();
    duration wait_{};
    error_code failed_;
    transience how_ = transience::by_policy;
};

} // namespace weir
