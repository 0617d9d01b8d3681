#pragma once

#include <weir/duration.hpp>
#include <weir/error.hpp>
#include <weir/policy/backoff.hpp>
#include <weir/policy/retry_budget.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

namespace weir {

namespace detail {
class retry_run;
}

/// Whether trying again may help, as a `retry_policy` decides by default. Yes for every error but
/// these: success; a cancelled operation; what weir refuses for good (`errc::closed`, `too_large`,
/// `no_capacity`, `taken`, `not_in_time`), or for now on purpose (`errc::breaker_open`,
/// `held_too_long`); and `errc::timed_out`, for the far side may still be at work, and a retry
/// would double its load.
bool is_transient(const error_code& error) noexcept;

/// The same for an exception: that of its code for a `system_error`, Boost's or the standard's. No
/// for `std::logic_error` and `std::bad_alloc`, yes for all others.
bool is_transient(const std::exception_ptr& error) noexcept;

/// Why no further attempt was made.
enum class retry_stop : std::uint8_t {
    none,          ///< there is one
    succeeded,     ///< the last attempt did
    permanent,     ///< its error is not one to retry; or no memory, or no clock, for another
    exhausted,     ///< it was the last that the policy allows
    deadline,      ///< the next one would begin at the deadline or later, or the deadline has come
    wait_too_long, ///< the far side asked for a longer wait than the policy allows
    budget,        ///< the budget refused it
    cancelled,     ///< the whole operation was cancelled
};

/// The reason's name, as above.
const char* to_string(retry_stop reason) noexcept;

/// What a policy decided after a failed attempt.
struct retry_decision {
    std::optional<time_point> at; ///< when the next attempt begins; empty when there is none
    retry_stop stop = retry_stop::none;
};

/// Which failures are tried again, how often, and after which wait.
///
/// Shape: a rule and its options; it neither waits nor reads a clock. After a failed attempt
///        `next` says when the next one begins, and withdraws it from the budget. After a success
///        `succeeded` deposits. `async_retry` and the pools do both.
/// Threads: setters from one thread; then it is safe from any thread, without a copy for each.
/// Memory: a copy draws other random waits than its original: see `backoff`.
class retry_policy {
public:
    using code_rule = std::function<bool(const error_code&)>;
    using exception_rule = std::function<bool(const std::exception_ptr&)>;

    /// At most `attempts` of them, the first included. From 1; default 3: one retry meets most
    /// hiccups, and each further one multiplies the load while the far side is down. Throws
    /// `std::invalid_argument` for 0.
    explicit retry_policy(std::size_t attempts = 3);

    /// How long to wait. Default up to 100 ms after the first failure, doubled with each further
    /// one, up to 10 s: the first retry is hardly felt, and callers of a far side that stays down
    /// ask it every five seconds on average.
    retry_policy& backoff(weir::backoff waits);

    /// Which errors are retried, instead of `is_transient`. Must not throw. An attempt that was
    /// cancelled from outside is never retried, whatever the rule says.
    retry_policy& retry_if(code_rule rule);

    /// The same for exceptions. By default a `system_error` goes by the rule for its code, and
    /// others by `is_transient`.
    retry_policy& retry_if_thrown(exception_rule rule);

    /// Attempts that ended in `errc::timed_out` are retried too. Default off: see `is_transient`.
    /// For work that may be done twice, where the far side stops when its caller has gone.
    retry_policy& retry_timed_out();

    /// The longest wait that the far side may ask for, as with HTTP's Retry-After: beyond it there
    /// is no retry. Default five minutes: a day's wait would look like a hang. Throws
    /// `std::invalid_argument` below 0.
    retry_policy& longest_wait(duration length);

    /// Spent by each retry. Default none: every failure may be retried. Share one between all that
    /// call the same far side.
    retry_policy& budget(std::shared_ptr<retry_budget> shared);

    std::size_t attempts() const noexcept { return attempts_; }
    const weir::backoff& backoff() const noexcept { return backoff_; }
    const code_rule& retry_if() const noexcept { return retry_if_; }
    const exception_rule& retry_if_thrown() const noexcept { return retry_if_thrown_; }
    bool retries_timed_out() const noexcept { return retry_timed_out_; }
    duration longest_wait() const noexcept { return longest_wait_; }
    const std::shared_ptr<retry_budget>& budget() const noexcept { return budget_; }

    /// When the next attempt begins; empty when there is none.
    ///
    /// Units: `attempts` have been made, this failed one included. The next one begins before
    ///        `deadline`, or not at all. It begins at `not_before` at the earliest, when the far
    ///        side asked for that; a random wait is added, or all callers would come back at the
    ///        same instant.
    std::optional<time_point> next(std::size_t attempts, const error_code& error, time_point now,
                                   time_point deadline = time_point::max(),
                                   time_point not_before = time_point::min()) const;
    std::optional<time_point> next(std::size_t attempts, const std::exception_ptr& error,
                                   time_point now, time_point deadline = time_point::max(),
                                   time_point not_before = time_point::min()) const;

    /// As `next`, with the reason when there is none.
    retry_decision decide(std::size_t attempts, const error_code& error, time_point now,
                          time_point deadline = time_point::max(),
                          time_point not_before = time_point::min()) const;
    retry_decision decide(std::size_t attempts, const std::exception_ptr& error, time_point now,
                          time_point deadline = time_point::max(),
                          time_point not_before = time_point::min()) const;

    /// Attempt number `attempts` succeeded: the first one deposits into the budget.
    void succeeded(std::size_t attempts, time_point now) const noexcept;

    /// Whether this error is one to retry, by the rules above.
    bool retries(const error_code& error) const;
    bool retries(const std::exception_ptr& error) const;

private:
    friend class detail::retry_run;

    /// Of a failure that is one to retry.
    retry_decision decide_when(std::size_t attempts, time_point now, time_point deadline,
                               time_point not_before) const;

    std::size_t attempts_;
    weir::backoff backoff_;
    code_rule retry_if_;
    exception_rule retry_if_thrown_;
    bool retry_timed_out_ = false;
    duration longest_wait_ = std::chrono::minutes(5);
    std::shared_ptr<retry_budget> budget_;
};

} // namespace weir
