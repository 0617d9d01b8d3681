#pragma once

#include <weir/detail/initiate.hpp>
#include <weir/flow/detail/pool/task_pool_state.hpp>
#include <weir/flow/job_context.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/task_pool.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weir {
namespace detail {

/// The options of an item when none are given.
struct no_options {
    template <class Item>
    job_options operator()(const Item&) const
    {
        return job_options();
    }
};

template <class Function, class Describe, bool Outcomes>
class job_function;

} // namespace detail

/// Makes each call of a loop a job of a pool, with the limits that the pool has: a limit for each
/// key, a rate, bytes, a breaker, retries, timeouts.
/// `auto job = as_jobs(pool, fetch, by_host); co_await for_each(pages, 100, job);`, and so for
/// `map`, `map_outcomes` and the stages of a `pipeline`.
///
/// Shape: gives a function of an item. A call of it submits a job, which calls `function(item)` or
///        `function(item, context)` with an `Item&`, because an attempt may have to be made again,
///        and a `job_context&`. It returns what the job returns. The item is the job's own: that of
///        a range that is an lvalue is copied, so return what was made, and do not write it into
///        the item. `describe(item)` gives the `job_options` of the item: its key, its bytes, its
///        deadline. Default: none. `as_jobs(...).outcomes()` gives a function whose calls return
///        the `outcome` of their job, with its attempts, its name and its times.
/// Units: the limit of the loop counts jobs that run and jobs that wait, together: with
///        `task_pool::places`, the loop goes on while jobs of one key wait. When those of one key
///        may fill all places, give the pool a `key_share`, and let the limit of the loop be larger
///        by as many as may wait for it.
/// Errors: a call throws what its job's `outcome::value` throws, and when the pool does not accept
///         the job, the error of `task_pool::async_submit`: so `errc::full` where it rejects, and
///         `errc::closed` when it is closed in the middle. `map_outcomes` makes an error of either
///         kind an outcome of its own, which knows nothing of the job's.
/// Cancellation: a request that reaches the call cancels its job. One that runs is waited for, for
///               as long as it takes; if it returns a value nevertheless, so does the call, and the
///               caller's next operation throws: the request is not forgotten. One that waits,
///               for a worker or for its next attempt, is left to the pool, which does not begin
///               it, and the call throws.
/// Threads: `describe` runs on the loop's executor, `function` on the pool's: one function object
///          for all calls, called from several threads at once when the pool has several.
/// Lifetime: the pool may go before the loop: its jobs end as it ends them, and later calls throw
///           `errc::closed`. The function is kept as long as a job may use it, and so is its item.
///           A job of the pool may loop over jobs of the same pool only where a worker is left for
///           them: else each waits for the other, until a timeout.
/// Memory: a call costs a coroutine beside what its job costs.
template <class Function, class Describe = detail::no_options>
[[nodiscard]] detail::job_function<Function, Describe, false>
as_jobs(task_pool& pool, Function function, Describe describe = Describe());

// -------------------------------------------------------------------------------------------------

namespace detail {

/// What submits to a pool, and may outlive it.
class task_intake {
public:
    explicit task_intake(const task_pool& pool) : unclaimed_(pool.unclaimed_), state_(pool.state_)
    {
    }

    /// As `task_pool::async_run`, but a wait that is cancelled cancels the job, and goes on until
    /// that has ended if it has begun.
    template <class Function, class Token>
    auto run_to_the_end(Function&& function, job_options options, Token&& token) const
    {
        using R = task_value<std::decay_t<Function>>;
        return initiate<void(error_code, outcome<R>)>(
            *state_, token, start_run<R>(state_, when_cancelled::cancel_and_end_with_job),
            make_task(std::forward<Function>(function), unclaimed_), std::move(options));
    }

private:
    std::shared_ptr<const unclaimed_hook> unclaimed_;
    std::shared_ptr<task_pool_state> state_;
};

/// One call, as the pool runs it, once or more often.
template <class Function, class Item>
class job_call {
public:
    static constexpr bool with_context = std::is_invocable_v<Function&, Item&, job_context&>;
    static_assert(with_context || std::is_invocable_v<Function&, Item&>,
                  "weir::as_jobs: the function is called with an Item&, and may take a "
                  "job_context& after it");

    job_call(std::shared_ptr<Function> function, Item item)
        : function_(std::move(function)), item_(std::move(item))
    {
    }

    decltype(auto) operator()(job_context& context)
    {
        if constexpr (with_context)
            return std::invoke(*function_, item_, context);
        else
            return std::invoke(*function_, item_);
    }

private:
    std::shared_ptr<Function> function_; // an abandoned job may use it after the loop
    Item item_;
};

template <class Call, class R = task_value<Call>>
boost::asio::awaitable<outcome<R>> outcome_of_job(task_intake pool, Call call, job_options options)
{
    const auto quiet = boost::asio::as_tuple(boost::asio::use_awaitable);
    auto run = pool.run_to_the_end(std::move(call), std::move(options), quiet);
    auto ended = co_await std::move(run);
    if (const error_code error = std::get<0>(ended))
        throw system_error(error); // it was not accepted
    co_return std::get<1>(std::move(ended));
}

template <class Call, class R = task_value<Call>>
boost::asio::awaitable<R> value_of_job(task_intake pool, Call call, job_options options)
{
    const auto quiet = boost::asio::as_tuple(boost::asio::use_awaitable);
    auto run = pool.run_to_the_end(std::move(call), std::move(options), quiet);
    auto ended = co_await std::move(run);
    if (const error_code error = std::get<0>(ended))
        throw system_error(error);
    if constexpr (std::is_void_v<R>)
        (void)std::get<1>(ended).value();
    else
        co_return std::move(std::get<1>(ended)).value();
}

template <class Function, class Describe, bool Outcomes>
class job_function {
public:
    job_function(task_intake pool, std::shared_ptr<Function> function, Describe describe)
        : pool_(std::move(pool)), function_(std::move(function)), describe_(std::move(describe))
    {
    }

    /// The same for calls that return the outcomes of their jobs.
    [[nodiscard]] auto outcomes() const
    {
        return job_function<Function, Describe, true>(pool_, function_, describe_);
    }

    template <class Item>
    auto operator()(Item&& item)
    {
        using own = std::decay_t<Item>;
        static_assert(std::is_constructible_v<own, Item>,
                      "weir::as_jobs: an item of a range that is an lvalue is copied: move the "
                      "range into the loop");
        static_assert(std::is_invocable_r_v<job_options, Describe&, const own&>,
                      "weir::as_jobs: the description is called with a const Item&, and returns "
                      "the job_options of the item");
        job_options options = std::invoke(describe_, std::as_const(item));
        job_call<Function, own> call(function_, std::forward<Item>(item));
        if constexpr (Outcomes)
            return outcome_of_job(pool_, std::move(call), std::move(options));
        else
            return value_of_job(pool_, std::move(call), std::move(options));
    }

private:
    task_intake pool_;
    std::shared_ptr<Function> function_;
    Describe describe_;
};

} // namespace detail

template <class Function, class Describe>
detail::job_function<Function, Describe, false> as_jobs(task_pool& pool, Function function,
                                                        Describe describe)
{
    return detail::job_function<Function, Describe, false>(
        detail::task_intake(pool), std::make_shared<Function>(std::move(function)),
        std::move(describe));
}

} // namespace weir
