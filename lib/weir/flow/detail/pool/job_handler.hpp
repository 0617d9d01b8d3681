#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/outcome.hpp>

#include <functional>
#include <type_traits>
#include <utility>

namespace weir::detail {

class worker;

/// Calls a worker pool's handler, with or without the context, as its signature asks. A `Work` of
/// `worker_loop`.
template <class Job, class R, class Handler>
class job_handler {
    static constexpr bool takes_context = std::is_invocable_v<Handler&, Job&&, job_context&>;
    static constexpr bool will_do = takes_context || std::is_invocable_v<Handler&, Job&&>;
    static_assert(will_do,
                  "weir::worker_pool: the handler is called as (Job) or (Job, job_context&)");

    // A member function is called as one.
    static auto callable(Handler&& handler)
    {
        if constexpr (std::is_member_pointer_v<Handler>)
            return std::mem_fn(handler);
        else
            return std::move(handler);
    }
    using function = decltype(callable(std::declval<Handler>()));

    static decltype(auto) invoke(function& handler, Job& job, [[maybe_unused]] job_context& context)
    {
        if constexpr (takes_context)
            return handler(std::move(job), context);
        else if constexpr (will_do)
            return handler(std::move(job));
    }

    using returned = std::remove_cvref_t<decltype(invoke(
        std::declval<function&>(), std::declval<Job&>(), std::declval<job_context&>()))>;

public:
    static constexpr bool may_suspend = is_awaitable<returned>;
    static constexpr bool may_be_plain = !may_suspend;

    static_assert(!will_do || std::is_void_v<R> || std::is_convertible_v<awaited_t<returned>, R>,
                  "weir::worker_pool: the handler returns the pool's R, or an awaitable of it");

    explicit job_handler(Handler handler) : handler_(callable(std::move(handler))) {}

    static constexpr bool begin(Job&, worker&, job_id) noexcept { return true; }
    static cancel_reason asked(const Job&) noexcept { return cancel_reason::none; }

    static constexpr bool suspends(const Job&) noexcept { return may_suspend; }

    /// For a job that suspends: what to await.
    auto start(Job& job, job_context& context) { return invoke(handler_, job, context); }

    /// An abandoned job has ended after all. It goes with its worker, at once.
    static void ended_late(Job&) noexcept {}

    /// For one that does not.
    void call(Job& job, [[maybe_unused]] job_context& context, outcome<R>& out)
    {
        if constexpr (std::is_void_v<R>) {
            (void)invoke(handler_, job, context);
            outcome_access::set_value(out, {});
        } else if constexpr (takes_context) {
            outcome_access::make_value(out, handler_, std::move(job), context);
        } else {
            outcome_access::make_value(out, handler_, std::move(job));
        }
    }

private:
    function handler_;
};

} // namespace weir::detail
