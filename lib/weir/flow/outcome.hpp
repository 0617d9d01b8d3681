#pragma once

#include <weir/error.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/run/cancel.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir {

/// How an accepted job ended. Exactly one of these, exactly once.
enum class status : std::uint8_t {
    ok,        ///< it returned
    failed,    ///< it threw, for a reason of its own
    cancelled, ///< it ended because it was cancelled
    timed_out, ///< it ended because its time was over, or it could not start before that
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

    /// Nobody's outcome: for queues whose values must have a default.
    outcome() noexcept = default;

    /// Of a job that returned. For pools.
    static outcome ok(detail::ticket&& job, value_type&& value)
    {
        outcome o(std::move(job), weir::status::ok, nullptr);
        o.value_.emplace(std::move(value));
        o.attempts_ = 1;
        return o;
    }

    /// Of a job that did not. For pools.
    outcome(detail::ticket&& job, weir::status s, std::exception_ptr error,
            cancel_reason reason = cancel_reason::none) noexcept
        : job_(std::move(job)), status_(s), reason_(reason), error_(std::move(error))
    {
    }

    job_id id() const noexcept { return job_.id; }
    /// What was said about the job when it was submitted; empty when nothing was.
    std::string_view name() const noexcept
    {
        return job_.record ? std::string_view(job_.record->said.name()) : std::string_view();
    }
    std::string_view key() const noexcept
    {
        return job_.record ? std::string_view(job_.record->said.key()) : std::string_view();
    }

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

    /// Why it was cancelled, or dropped; `none` when it was not.
    cancel_reason reason() const noexcept { return reason_; }

    /// When it was queued, started and finished. Empty unless the pool was asked for timings.
    std::optional<job_timings> timings() const noexcept
    {
        if (job_.record && job_.record->timed)
            return job_.record->times;
        return std::nullopt;
    }

    /// How often it was started: 0 when it never was.
    unsigned attempts() const noexcept { return attempts_; }
    /// For pools.
    detail::ticket&& take_ticket() && noexcept { return std::move(job_); }
    const std::exception_ptr& thrown() const noexcept { return error_; }
    void set_attempts(unsigned n) noexcept { attempts_ = static_cast<std::uint8_t>(n); }

private:
    error_code code() const noexcept;

    detail::ticket job_;
    weir::status status_ = weir::status::dropped;
    cancel_reason reason_ = cancel_reason::none;
    std::uint8_t attempts_ = 0;
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
