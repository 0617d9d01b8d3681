#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <type_traits>

namespace weir {

using boost::system::error_category;
using boost::system::error_code;
using boost::system::system_error;

/// Why a weir operation did not do what was asked. A cancelled operation reports Asio's own
/// `boost::asio::error::operation_aborted`, as every other Asio operation does.
enum class errc {
    /// The channel, semaphore, limiter, admission, gate, lane or pool takes nothing in any more.
    /// From: send, acquire, submit, run.
    closed = 1,
    /// There is no room now, and the caller asked not to wait. From: every `try_` operation; sends
    /// and submits where `overflow` says `reject`; and `keyed_rate_limiter::async_acquire`, when
    /// `max_keys` other keys are in use.
    full,
    /// The time allowed was over before the operation was done. Equals `std::errc::timed_out`.
    timed_out,
    /// More was asked for than can ever be granted, so that waiting could never succeed: more than
    /// a limit or a burst. From: acquires of `semaphore`, `keyed_semaphore`, `rate_limiter`,
    /// `keyed_rate_limiter` and `admission`, and submits to a pool with `pool_options::bytes`.
    too_large,
    /// The channel has capacity 0: there is nothing to reserve. From: `channel::async_reserve`.
    no_capacity,
    /// The outcome of this task was given out before, and there is one. From:
    /// `task::async_outcome`.
    taken,
    /// The job's deadline would come while it is queued, as it looks now. From: submits to a pool
    /// with `pool_options::reject_late`.
    not_in_time,
    /// A breaker is open: what it stands before has failed too often of late, and is not asked.
    /// From: `with_breaker`, and pools with `pool_options::breaker`.
    breaker_open,
    /// The work failed with an exception that has no error code. From: `async_retry`, whose
    /// `retry_attempts` hold the exception. The rule of `with_breaker` is asked about it, too.
    failed,
    /// The key is held for longer than a waiter should wait. From: `keyed_semaphore`,
    /// and a pool whose job called `job_context::hold`.
    held_too_long,
};

/// The category of `errc`. Its name is "weir".
const error_category& category() noexcept;

error_code make_error_code(errc e) noexcept;

} // namespace weir

namespace boost::system {

template <>
struct is_error_code_enum<weir::errc> : std::true_type {
};

} // namespace boost::system
