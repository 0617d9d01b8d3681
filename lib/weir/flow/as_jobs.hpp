#pragma once

#include <weir/flow/job_context.hpp>
#include <weir/flow/job_options.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/flow/task.hpp>
#include <weir/flow/task_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir {
namespace detail {

/// Describes a job that has nothing to say.
struct plain_job {
    template <class Item>
    job_options operator()(const Item&) const
    {
        return job_options();
    }
};

template <class Function, class Describe>
class job_function;

} // namespace detail

/// Makes each call of a loop a job of a pool, with the limits that the pool has: a limit for each
/// key, a rate, bytes, a breaker, retries, timeouts.
/// `co_await for_each(pages, 100, as_jobs(pool, fetch, by_host))`, and so for `map`,
/// `map_outcomes` and the stages of a `pipeline`.
///
/// Shape: gives a function of an item. A call of it submits a job, which calls `function(item)` or
///        `function(item, context)` with an `Item&`, because an attempt may have to be made again,
///        and a `job_context&`. It returns what the job returns. `describe(item)` gives the
///        `job_options` of the item: its key, its bytes, its deadline. Default: none.
/// Units: the limit of the loop counts jobs that run and jobs that wait in the pool, together. Let
///        it be the pool's workers and queue: then the loop pulls items of other keys while those
///        of one key wait, and none of them is refused.
/// Errors: throws what `outcome::value` throws, in place of the call; and when the pool does not
///         accept the job, the error of `task_pool::async_submit`.
/// Cancellation: cancels the job and waits until it has ended. One that still waits in the pool
///               ends when a worker comes to it.
/// Threads: the loop's for the call and for `describe`, the pool's for `function`.
/// Lifetime: the pool must outlive the loop. The function is kept as long as a job may use it, and
///           so is its item: one that the range gives as a reference is copied.
template <class Function, class Describe = detail::plain_job>
[[nodiscard]] auto as_jobs(task_pool& pool, Function function, Describe describe = Describe())
{
    return detail::job_function<Function, Describe>(pool, std::move(function), std::move(describe));
}

// -------------------------------------------------------------------------------------------------

namespace detail {

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
    std::shared_ptr<Function> function_; // may be used after the loop, by a job that was abandoned
    Item item_;
};

/// Submits a job and waits until it has ended, whatever happens to the wait.
template <class Call, class R = task_value<Call>>
boost::asio::awaitable<R> run_job(task_pool& pool, Call call, job_options options)
{
    namespace asio = boost::asio;
    task<R> job;
    outcome<R> out;
    std::exception_ptr error;
    try {
        auto submitted =
            pool.async_submit(std::move(call), std::move(options), asio::use_awaitable);
        job = co_await std::move(submitted);
        auto ended = job.async_outcome(asio::use_awaitable);
        out = co_await std::move(ended);
    } catch (...) {
        error = std::current_exception();
    }
    if (error && !job)
        std::rethrow_exception(error); // it was not accepted
    if (error) {
        job.cancel();
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        auto ended = job.async_outcome(asio::use_awaitable);
        out = co_await std::move(ended);
        co_await asio::this_coro::reset_cancellation_state();
    }
    if constexpr (std::is_void_v<R>)
        (void)out.value();
    else
        co_return std::move(out).value();
}

template <class Function, class Describe>
class job_function {
public:
    job_function(task_pool& pool, Function&& function, Describe&& describe)
        : pool_(pool), function_(std::make_shared<Function>(std::move(function))),
          describe_(std::move(describe))
    {
    }

    template <class Item>
    auto operator()(Item&& item)
    {
        using call = job_call<Function, std::decay_t<Item>>;
        job_options options = std::invoke(describe_, std::as_const(item));
        return run_job(pool_.get(), call(function_, std::forward<Item>(item)), std::move(options));
    }

private:
    std::reference_wrapper<task_pool> pool_;
    std::shared_ptr<Function> function_;
    Describe describe_;
};

} // namespace detail
} // namespace weir
