#pragma once

#include <weir/error.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/value_or_error.hpp>
#include <weir/run/cancel.hpp>

#include <cstdint>
#include <exception>
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
        outcome o;
        o.set_value(std::move(value));
        o.end(std::move(job), weir::status::ok, cancel_reason::none);
        return o;
    }

    /// Of a job that did not. For pools.
    outcome(detail::ticket&& job, weir::status s, std::exception_ptr error,
            cancel_reason reason = cancel_reason::none) noexcept
        : found_(std::move(error)), status_(s), reason_(reason), job_(std::move(job))
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
        if (!found_.has_value())
            std::rethrow_exception(error());
        return found_.value();
    }
    value_type&& value() && { return std::move(value()); }

    /// What the job threw, or for one that threw nothing a `system_error` that says why it has no
    /// value. Null when it is ok.
    std::exception_ptr error() const
    {
        if (status_ == weir::status::ok)
            return nullptr;
        if (std::exception_ptr thrown = this->thrown())
            return thrown;
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

    // For pools, which make outcomes where they stay: what a job returned is moved as few times as
    // can be.

    /// What the function returns, which may throw.
    template <class Function, class... Args>
    void make_value(Function&& function, Args&&... args)
    {
        found_.make_value(function, std::forward<Args>(args)...);
    }
    void set_value(value_type&& value)
    {
        found_.make_value([&value]() -> value_type&& { return std::move(value); });
    }
    void set_error(std::exception_ptr error) noexcept { found_.set_error(std::move(error)); }
    bool has_value() const noexcept { return found_.has_value(); }
    /// The job has ended, and is accounted for. It has a value exactly when it is ok.
    void end(detail::ticket&& job, weir::status s, cancel_reason reason) noexcept
    {
        status_ = s;
        reason_ = reason;
        attempts_ = s == weir::status::dropped ? 0 : 1;
        job_ = std::move(job);
    }
    detail::ticket&& take_ticket() && noexcept { return std::move(job_); }
    /// Null when it threw nothing, or is ok.
    std::exception_ptr thrown() const noexcept { return found_.error(); }
    void set_attempts(unsigned n) noexcept { attempts_ = static_cast<std::uint8_t>(n); }

private:
    error_code code() const noexcept;

    [[no_unique_address]] detail::value_or_error<value_type> found_; // the bytes below fit into it
    weir::status status_ = weir::status::dropped;
    cancel_reason reason_ = cancel_reason::none;
    std::uint8_t attempts_ = 0;
    detail::ticket job_;
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
