#pragma once

#include <weir/error.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/value_or_error.hpp>
#include <weir/flow/job_id.hpp>
#include <weir/flow/job_timings.hpp>
#include <weir/run/cancel.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>

namespace weir {

/// How an accepted job ended. Exactly one of these, exactly once.
enum class status : std::uint8_t {
    ok,        ///< it returned
    failed,    ///< it threw, for a reason of its own
    cancelled, ///< it ended because it was cancelled
    timed_out, ///< it ended because its time was over, or could not start before that
    dropped,   ///< it never started: the pool was stopped first, or it made room for another
    abandoned, ///< it did not end when cancelled: the pool went on without it
};

/// The word for a status, as it is named above.
const char* to_string(status s) noexcept;

namespace detail {
struct outcome_access;
} // namespace detail

/// How one job ended: its id, its status, and its value or its error.
template <class R>
class [[nodiscard]] outcome {
public:
    static_assert(!std::is_reference_v<R>,
                  "weir: a job's result is a value: for a reference, return a pointer");
    using value_type = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

    /// An outcome of no job: for queues whose values must have a default.
    outcome() noexcept = default;

    job_id id() const noexcept { return job_.id; }
    /// The name and the key from the job's `job_options`; empty when it had none.
    std::string_view name() const noexcept { return detail::name_of(job_.record.get()); }
    std::string_view key() const noexcept { return detail::key_of(job_.record.get()); }

    weir::status status() const noexcept
    {
        if constexpr (!std::is_nothrow_move_constructible_v<value_type>)
            if (status_ == weir::status::ok && !found_.has_value())
                return weir::status::failed; // the value's move threw: see `error`
        return status_;
    }
    explicit operator bool() const noexcept { return status() == weir::status::ok; }

    /// What the job returned. When it has no value, throws a `system_error` with `errc::timed_out`
    /// if the job timed out, whatever it threw then, and else what `error` holds.
    value_type& value() &
    {
        if (!found_.has_value())
            detail::throw_instead_of_value(error(), status_);
        return found_.value();
    }
    value_type&& value() && { return std::move(value()); }

    /// What the job threw; for one that threw nothing, a `system_error` that says why there is no
    /// value. Null when it is ok. A value whose move throws gives a failed outcome with that
    /// exception, though the ledger has counted the job as ok.
    std::exception_ptr error() const
    {
        if (status() == weir::status::ok)
            return nullptr;
        return detail::error_of(found_.error(), status_);
    }

    /// Why it was cancelled, or dropped; `none` when it was not.
    cancel_reason reason() const noexcept { return reason_; }

    /// The job, for another attempt: of a worker pool with `keep_jobs`; null when it was not kept,
    /// or is no `Job`. A job that can be copied is as it was submitted; any other is as its handler
    /// left it, so such a handler takes it as `const Job&`, and one that was abandoned is not kept.
    template <class Job>
    Job* job() const noexcept
    {
        if (!job_.record || job_.record->type == nullptr || *job_.record->type != typeid(Job))
            return nullptr;
        return static_cast<Job*>(job_.record->kept.get());
    }

    /// How many attempts were begun by a pool with `pool_options::retry` or another limit. By
    /// another pool: 0 when it was dropped, 1 otherwise.
    std::size_t attempts() const noexcept
    {
        if (job_.record && (job_.record->claims || job_.record->attempts != 0))
            return job_.record->attempts;
        return status_ == weir::status::dropped ? 0 : 1;
    }

    /// When it was queued, started and finished. Empty unless the pool takes timings.
    std::optional<job_timings> timings() const noexcept
    {
        if (job_.record && job_.record->timed)
            return job_.record->times;
        return std::nullopt;
    }

private:
    friend struct detail::outcome_access;

    [[no_unique_address]] detail::value_or_error<value_type> found_; // the bytes below fit into it
    weir::status status_ = weir::status::dropped;
    cancel_reason reason_ = cancel_reason::none;
    detail::ticket job_;
};

namespace detail {
std::ostream& write(std::ostream& os, const std::string& text);
std::string describe(job_id id, std::string_view name, status s, cancel_reason reason,
                     const std::exception_ptr& error);
} // namespace detail

/// One line: the job's id and name, how it ended, and why, as "job 7 (its name): failed: no such
/// file".
template <class R>
std::string to_string(const outcome<R>& out)
{
    return detail::describe(out.id(), out.name(), out.status(), out.reason(), out.error());
}
template <class R>
std::ostream& operator<<(std::ostream& os, const outcome<R>& out)
{
    return detail::write(os, to_string(out));
}

namespace detail {

/// Makes outcomes, for pools and stages. An outcome is made where it stays: what a job returned is
/// moved as few times as can be.
struct outcome_access {
    /// Of a job that has no value.
    template <class R>
    static outcome<R> make(ticket&& job, status s, cancel_reason reason = cancel_reason::none,
                           std::exception_ptr error = nullptr) noexcept
    {
        outcome<R> out;
        if (error)
            set_error(out, std::move(error));
        end(out, std::move(job), s, reason);
        return out;
    }
    /// Of a job that returned.
    template <class R>
    static outcome<R> make_ok(ticket&& job, typename outcome<R>::value_type&& value)
    {
        outcome<R> out;
        set_value(out, std::move(value));
        end(out, std::move(job), status::ok, cancel_reason::none);
        return out;
    }

    /// The value is what the function returns; the function may throw.
    template <class R, class Function, class... Args>
    static void make_value(outcome<R>& out, Function&& function, Args&&... args)
    {
        out.found_.make_value(function, std::forward<Args>(args)...);
    }
    template <class R>
    static void set_value(outcome<R>& out, typename outcome<R>::value_type&& value)
    {
        using value_type = typename outcome<R>::value_type;
        out.found_.make_value([&value]() -> value_type&& { return std::move(value); });
    }
    template <class R>
    static void set_error(outcome<R>& out, std::exception_ptr error) noexcept
    {
        out.found_.set_error(std::move(error));
    }
    template <class R>
    static bool has_value(const outcome<R>& out) noexcept
    {
        return out.found_.has_value();
    }
    /// The job has ended, and is accounted for. It has a value exactly when it is ok.
    template <class R>
    static void end(outcome<R>& out, ticket&& job, status s, cancel_reason reason) noexcept
    {
        out.status_ = s;
        out.reason_ = reason;
        out.job_ = std::move(job);
    }

    template <class R>
    static ticket&& take_ticket(outcome<R>& out) noexcept
    {
        return std::move(out.job_);
    }
    /// Null when it threw nothing, or is ok.
    template <class R>
    static std::exception_ptr thrown(const outcome<R>& out) noexcept
    {
        return out.found_.error();
    }
};

} // namespace detail

} // namespace weir
