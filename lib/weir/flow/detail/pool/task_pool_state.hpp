#pragma once

#include <weir/flow/detail/pool/submit.hpp>
#include <weir/flow/detail/pool/task_state.hpp>
#include <weir/flow/detail/pool/worker_pool_state.hpp>
#include <weir/flow/task_pool.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {
namespace detail {

using task_pointer = std::shared_ptr<task_base>;

/// The queue of a task pool. Each job is told its own outcome.
class task_pool_state : public pool_with_jobs<task_pointer, channel<numbered_job<task_pointer>>> {
public:
    using result_type = void;

    task_pool_state(std::vector<boost::asio::any_io_executor> executors,
                    const pool_options& options)
        : pool_with_jobs(std::move(executors), options)
    {
        own_queue own;
        this->begin_queue(own);
    }
    ~task_pool_state() override { this->end_queue(); }

    void close_results() noexcept override {}

    /// Starts it at once where there is no limit, else submits it.
    template <class Handler>
    void submit(task_pointer&& job, const job_options& said, Handler&& handler);

    submit_result<task_pointer> try_submit(task_pointer&& job, const job_options& said);

protected:
    bool publish(task_pointer& job, outcome<void>& out) noexcept
    {
        job->finish(std::move(out));
        return true;
    }
    boost::asio::awaitable<void> publish_later(outcome<void>) { co_return; }
    void publish_now(task_pointer& job, outcome<void>&& out) noexcept
    {
        job->finish(std::move(out));
    }

private:
    void publish_drop(task_pointer& job, ticket&& number, cancel_reason reason) noexcept override
    {
        job->finish(outcome<void>(std::move(number), status::dropped, nullptr, reason));
    }

    static const job_options* unless_empty(const job_options& said) noexcept
    {
        const bool empty =
            said.name().empty() && said.key().empty() && said.deadline() == time_point::max();
        return empty ? nullptr : &said;
    }
};

template <class Handler>
void task_pool_state::submit(task_pointer&& job, const job_options& said, Handler&& handler)
{
    namespace asio = boost::asio;
    auto self = std::static_pointer_cast<task_pool_state>(this->shared_from_this());
    if (!workers().is_unlimited()) {
        const initiate_submit<task_pool_state> initiate(std::move(self));
        if (const job_options* options = unless_empty(said))
            return initiate(std::move(handler), std::move(job), *options);
        return initiate(std::move(handler), std::move(job));
    }
    const asio::any_io_executor where = asio::get_associated_executor(handler, first_executor());
    asio::post(where, asio::append(std::move(handler), try_submit(std::move(job), said)));
}

/// Completes a submit with the task.
template <class R, class Handler>
struct task_handler {
    task_handler(Handler&& h, std::shared_ptr<task_pool_state> p, std::shared_ptr<task_state<R>> t)
        : handler(std::move(h)), pool(std::move(p)), state(std::move(t))
    {
    }

    void operator()(submit_result<task_pointer> result)
    {
        if (!result)
            return std::move(handler)(result.error(), task<R>());
        task<R> accepted(result.id(), pool->first_executor(), std::move(state));
        std::move(handler)(error_code(), std::move(accepted));
    }

    Handler handler;
    std::shared_ptr<task_pool_state> pool;
    std::shared_ptr<task_state<R>> state;
};

template <class R>
struct initiate_task {
    using executor_type = boost::asio::any_io_executor;

    explicit initiate_task(std::shared_ptr<task_pool_state> p) : pool(std::move(p)) {}
    executor_type get_executor() const noexcept { return pool->first_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, std::shared_ptr<task_state<R>> state,
                    const job_options& said) const
    {
        using own = task_handler<R, std::decay_t<Handler>>;
        std::decay_t<Handler> moved(std::forward<Handler>(handler));
        task_pointer job = state;
        pool->submit(std::move(job), said, own(std::move(moved), pool, std::move(state)));
    }

    std::shared_ptr<task_pool_state> pool;
};

/// Goes on from a submit to the wait for the outcome.
template <class R, class Handler>
struct run_handler {
    run_handler(Handler&& h, std::shared_ptr<task_pool_state> p, claim<R>&& c)
        : handler(std::move(h)), pool(std::move(p)), claimed(std::move(c))
    {
    }

    void operator()(submit_result<task_pointer> result)
    {
        if (!result)
            return std::move(handler)(result.error(), outcome<R>());
        wait_for_outcome(pool->first_executor(), std::move(claimed), std::move(handler));
    }

    Handler handler;
    std::shared_ptr<task_pool_state> pool;
    claim<R> claimed;
};

template <class R>
struct initiate_run {
    using executor_type = boost::asio::any_io_executor;

    explicit initiate_run(std::shared_ptr<task_pool_state> p) : pool(std::move(p)) {}
    executor_type get_executor() const noexcept { return pool->first_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, std::shared_ptr<task_state<R>> state,
                    const job_options& said) const
    {
        using own = run_handler<R, std::decay_t<Handler>>;
        std::decay_t<Handler> moved(std::forward<Handler>(handler));
        claim<R> claimed(state);
        state->drop(); // there is no handle to ask with, once the wait is given up
        task_pointer job = std::move(state);
        pool->submit(std::move(job), said, own(std::move(moved), pool, std::move(claimed)));
    }

    std::shared_ptr<task_pool_state> pool;
};

} // namespace detail

template <class Function>
task<detail::task_value<Function>> task_pool::try_submit(Function function,
                                                         const job_options& options)
{
    using R = detail::task_value<Function>;
    std::shared_ptr<detail::task_state<R>> state = make(std::move(function));
    detail::task_pointer job = state;
    const auto result = state_->try_submit(std::move(job), options);
    if (!result)
        return task<R>();
    return task<R>(result.id(), get_executor(), std::move(state));
}

} // namespace weir

// Where a handler is run, with which memory, and how it is cancelled do not change by wrapping it.
template <template <class, class> class Associator, class R, class Handler, class Default>
struct boost::asio::associator<Associator, weir::detail::task_handler<R, Handler>, Default>
    : Associator<Handler, Default> {
    static auto get(const weir::detail::task_handler<R, Handler>& h) noexcept
    {
        return Associator<Handler, Default>::get(h.handler);
    }
    static auto get(const weir::detail::task_handler<R, Handler>& h, const Default& d) noexcept
    {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};

template <template <class, class> class Associator, class R, class Handler, class Default>
struct boost::asio::associator<Associator, weir::detail::run_handler<R, Handler>, Default>
    : Associator<Handler, Default> {
    static auto get(const weir::detail::run_handler<R, Handler>& h) noexcept
    {
        return Associator<Handler, Default>::get(h.handler);
    }
    static auto get(const weir::detail::run_handler<R, Handler>& h, const Default& d) noexcept
    {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};
