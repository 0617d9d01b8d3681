#pragma once

#include <weir/error.hpp>
#include <weir/run/cancel.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir {

/// A job's number, given when it is submitted: from 1, each its own within its pool.
using job_id = std::uint64_t;

/// How an accepted job ended. Exactly one of these, exactly once.
enum class status {
    ok,        ///< it returned
    failed,    ///< it threw, for a reason of its own
    cancelled, ///< it ended because it was cancelled
    timed_out, ///< it ended because its time was over
    dropped,   ///< it never started: the pool was stopped first
    abandoned, ///< it did not end when cancelled: its worker went on without it
};

/// The word for a status, as it is named above.
const char* to_string(status s) noexcept;

/// What became of one job: its number, its status, and its value or its error.
template <class R>
class [[nodiscard]] outcome {
public:
    using value_type = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

    static outcome ok(job_id id, value_type value)
    {
        outcome o(id, weir::status::ok, nullptr);
        o.value_.emplace(std::move(value));
        return o;
    }

    outcome(job_id id, weir::status s, std::exception_ptr error,
            cancel_reason reason = cancel_reason::none)
        : id_(id), status_(s), reason_(reason), error_(std::move(error))
    {
    }

    job_id id() const noexcept { return id_; }
    weir::status status() const noexcept { return status_; }
    explicit operator bool() const noexcept { return status_ == weir::status::ok; }

    /// What the job returned. Otherwise throws what `error` holds.
    value_type& value() &
    {
        if (!value_)
            std::rethrow_exception(error());
        return *value_;
    }
    value_type&& value() && { return std::move(value()); }

    /// What the job threw, or for one that threw nothing a `system_error` that says why it has no
    /// value. Null when it is ok.
    std::exception_ptr error() const
    {
        if (error_ || status_ == weir::status::ok)
            return error_;
        return std::make_exception_ptr(system_error(code()));
    }

    /// Why it was cancelled; `none` when it was not.
    cancel_reason reason() const noexcept { return reason_; }

private:
    error_code code() const noexcept;

    job_id id_;
    weir::status status_;
    cancel_reason reason_;
    std::optional<value_type> value_;
    std::exception_ptr error_;
};

namespace detail {

error_code code_for(status s) noexcept;

} // namespace detail

template <class R>
error_code outcome<R>::code() const noexcept
{
    return detail::code_for(status_);
}

} // namespace weir
