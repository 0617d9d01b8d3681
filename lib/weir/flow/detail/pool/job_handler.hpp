#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/outcome.hpp>

#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weir::detail {

class worker;

/// Calls a worker pool's handler, with or without the context, as its signature asks. A `Work` of
/// `worker_loop`.
template <class Job, class R, class Handler>
class job_handler {
    template <class... Given>
    static constexpr bool takes = std::is_invocable_v<Handler&, Given...>;

    static constexpr bool takes_context = takes<Job&&, job_context&> || takes<Job&, job_context&>;
    // For a job that may be run again, it is called with the job where it is.
    static constexpr bool may_run_again = takes_context ? takes<Job&, job_context&> : takes<Job&>;
    static constexpr bool may_move = takes_context ? takes<Job&&, job_context&> : takes<Job&&>;
    static constexpr bool will_do = may_move || may_run_again;
    static_assert(will_do, "weir::worker_pool: the handler is called as (Job) or (Job&), with or "
                           "without a job_context& behind it");
    // How it is called when a job has one attempt.
    using once = std::conditional_t<may_move || !will_do, Job, Job&>;

    // A member function is called as one.
    static auto callable(Handler&& handler)
    {
        if constexpr (std::is_member_pointer_v<Handler>)
            return std::mem_fn(handler);
        else
            return std::move(handler);
    }
    using function = decltype(callable(std::declval<Handler>()));

    template <class Given> // `Job` or `Job&`
    static decltype(auto) invoke(function& handler, Job& job, [[maybe_unused]] job_context& context)
    {
        if constexpr (takes_context)
            return handler(static_cast<Given&&>(job), context);
        else if constexpr (will_do)
            return handler(static_cast<Given&&>(job));
    }

    using returned = std::remove_cvref_t<decltype(invoke<once>(
        std::declval<function&>(), std::declval<Job&>(), std::declval<job_context&>()))>;

public:
    static constexpr bool may_suspend = is_awaitable<returned>;
    static constexpr bool may_be_plain = !may_suspend;

    static_assert(!will_do || std::is_void_v<R> || std::is_convertible_v<awaited_t<returned>, R>,
                  "weir::worker_pool: the handler returns the pool's R, or an awaitable of it");

    /// `again`: jobs may be run again. Throws `std::invalid_argument` when they cannot be.
    job_handler(Handler handler, bool again) : handler_(callable(std::move(handler))), again_(again)
    {
        if (again && !may_run_again)
            throw std::invalid_argument(
                "weir::worker_pool: with pool_options::retry the handler must be callable with "
                "Job&: a job is there again for its next attempt");
    }

    static constexpr bool begin(Job&, worker&, job_id) noexcept { return true; }
    static cancel_reason asked(const Job&) noexcept { return cancel_reason::none; }

    static constexpr bool suspends(const Job&) noexcept { return may_suspend; }

    /// For a job that suspends: what to await.
    returned start(Job& job, job_context& context)
    {
        if constexpr (may_run_again)
            if (again_)
                return invoke<Job&>(handler_, job, context);
        return invoke<once>(handler_, job, context);
    }

    /// An abandoned job has ended after all. It goes with its worker, at once.
    static void ended_late(Job&) noexcept {}

    /// For one that does not.
    void call(Job& job, job_context& context, outcome<R>& out)
    {
        if constexpr (may_run_again)
            if (again_)
                return call_with<Job&>(job, context, out);
        call_with<once>(job, context, out);
    }

private:
    template <class Given>
    void call_with(Job& job, [[maybe_unused]] job_context& context, outcome<R>& out)
    {
        if constexpr (std::is_void_v<R>) {
            (void)invoke<Given>(handler_, job, context);
            outcome_access::set_value(out, {});
        } else if constexpr (takes_context) {
            outcome_access::make_value(out, handler_, static_cast<Given&&>(job), context);
        } else {
            outcome_access::make_value(out, handler_, static_cast<Given&&>(job));
        }
    }

    function handler_;
    const bool again_;
};

} // namespace weir::detail
