#pragma once

#include <weir/detail/handler_executor.hpp>
#include <weir/detail/handler_wrapper.hpp>
#include <weir/detail/post_to.hpp>
#include <weir/flow/detail/pool/pool_queues.hpp>
#include <weir/flow/detail/pool/submit.hpp>
#include <weir/flow/detail/pool/task_state.hpp>
#include <weir/flow/task.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::detail {

using task_pointer = std::shared_ptr<task_base>;

/// A task pool's outcomes: each task gets its own.
class task_outlet {
public:
    using result_type = void;
    static constexpr bool delivers_to_job = true;

    explicit task_outlet(const pool_state&) noexcept {}

    bool publish(task_pointer& task, outcome<void>& out) noexcept
    {
        task->finish(std::move(out));
        return true;
    }
    boost::asio::awaitable<void> publish_later(outcome<void>*) { co_return; } // never has to
    void publish_now(outcome<void>&&) noexcept {}
    void publish_now(task_pointer& task, outcome<void>&& out) noexcept
    {
        task->finish(std::move(out));
    }
    void close() noexcept {}
    std::size_t size() const noexcept { return 0; }
};

/// A task pool: without a limit each task has a temporary worker at once, else it goes through the
/// queue.
class task_pool_state
    : public pool_queues<task_pointer, channel<numbered_job<task_pointer>>, task_outlet> {
public:
    task_pool_state(std::vector<executor_type> where, const pool_options& options)
        : task_pool_state(std::move(where), options, own_queue())
    {
    }

    template <class Handler>
    void submit(task_pointer&& task, const job_options& options, Handler&& handler);

    submit_result<task_pointer> try_submit(task_pointer&& task, const job_options& options);
    /// The same, and one that is handed back does not count as rejected.
    submit_result<task_pointer> try_accept(task_pointer&& task, const job_options& options);

    void resize(limit workers);

private:
    task_pool_state(std::vector<executor_type> where, const pool_options& options, own_queue own)
        : pool_queues(std::move(where), options, own)
    {
    }

    /// Without a limit nothing waits: what does gets a worker of its own. A submitter that saw the
    /// limit, and put its job into the queue, looks again.
    void run_what_waits();
    void look_again()
    {
        if (workers().is_unlimited())
            run_what_waits();
    }

    // Options without any cost no allocation.
    static const job_options* unless_empty(const job_options& options) noexcept;
};

template <class Handler>
void task_pool_state::submit(task_pointer&& task, const job_options& options, Handler&& handler)
{
    namespace asio = boost::asio;
    auto self = std::static_pointer_cast<task_pool_state>(this->shared_from_this());
    if (!workers().is_unlimited() || limits() != nullptr) {
        const start_submit<task_pool_state> start(self);
        if (const job_options* given = unless_empty(options))
            start(*this, std::move(handler), std::move(task), *given);
        else
            start(*this, std::move(handler), std::move(task));
        return look_again();
    }
    const asio::any_io_executor where = executor_for(handler, get_executor());
    if (!where)
        return; // the pool's context is gone, and the handler has no other
    auto result = try_submit(std::move(task), options);
    post_to(where, [own = std::move(handler), result = std::move(result)]() mutable {
        call_handler(std::move(own), std::move(result));
    });
}

/// Completes a submit with the task.
template <class R, class Handler>
struct task_handler : handler_wrapper<Handler> {
    task_handler(Handler&& h, std::shared_ptr<task_pool_state> p, std::shared_ptr<task_state<R>> t)
        : handler_wrapper<Handler>(std::move(h)), pool(std::move(p)), state(std::move(t))
    {
    }

    void operator()(submit_result<task_pointer> result)
    {
        if (!result)
            return std::move(this->handler)(result.error(), task<R>());
        task<R> accepted = task_access::make<R>(result.id(), std::move(pool), std::move(state));
        std::move(this->handler)(error_code(), std::move(accepted));
    }

    std::shared_ptr<task_pool_state> pool;
    std::shared_ptr<task_state<R>> state;
};

/// What `task_pool::async_submit` starts.
template <class R>
struct start_task {
    explicit start_task(std::shared_ptr<task_pool_state> p) : pool(std::move(p)) {}

    template <class Handler>
    void operator()(const task_pool_state&, Handler&& handler, std::shared_ptr<task_state<R>> state,
                    const job_options& options) const
    {
        task_pointer task = state;
        task_handler<R, std::decay_t<Handler>> accepted(std::move(handler), pool, std::move(state));
        pool->submit(std::move(task), options, std::move(accepted));
    }

    std::shared_ptr<task_pool_state> pool;
};

/// A request to end a run, from its beginning until it waits for the outcome. It reaches the wait
/// for a place, and a job that its submitter runs meanwhile (`overflow::caller_runs`).
template <class R>
class run_request {
public:
    run_request(std::shared_ptr<task_pool_state> pool, const claim<R>& of, when_cancelled rule)
        : pool_(std::move(pool)), task_(of.shared()), rule_(rule)
    {
    }

    boost::asio::cancellation_slot slot() noexcept { return place_.slot(); }
    bool came() const noexcept { return came_; }

    void ask(boost::asio::cancellation_type type)
    {
        came_ = true;
        place_.emit(type);
        if (rule_ != when_cancelled::leave_job)
            cancel_task(*pool_, *task_, cancel_reason::requested);
    }

private:
    boost::asio::cancellation_signal place_;
    std::shared_ptr<task_pool_state> pool_;
    std::shared_ptr<task_state<R>> task_;
    when_cancelled rule_;
    bool came_ = false;
};

/// Goes on from a submit to the wait for the outcome.
template <class R, class Handler>
struct run_handler : handler_wrapper<Handler> {
    run_handler(Handler&& h, std::shared_ptr<task_pool_state> p, claim<R>&& c, when_cancelled r,
                std::shared_ptr<run_request<R>> a)
        : handler_wrapper<Handler>(std::move(h)), pool(std::move(p)), claimed(std::move(c)),
          rule(r), asked(std::move(a))
    {
    }

    void operator()(submit_result<task_pointer> result)
    {
        if (!result)
            return std::move(this->handler)(result.error(), outcome<R>());
        const bool cancelled = asked && asked->came();
        const auto executor = pool->home();
        outcome_handler<R, Handler> taker(std::move(this->handler), std::move(claimed), rule,
                                          std::move(pool));
        if (cancelled) // since it was accepted: nothing waited then
            return taker(boost::asio::error::operation_aborted);
        wait_for_outcome(*executor, std::move(taker));
    }

    std::shared_ptr<task_pool_state> pool;
    claim<R> claimed;
    when_cancelled rule;
    std::shared_ptr<run_request<R>> asked; // null where nothing can be asked
};

/// What `task_pool::async_run` starts.
template <class R>
struct start_run {
    start_run(std::shared_ptr<task_pool_state> p, when_cancelled r) : pool(std::move(p)), rule(r) {}

    template <class Handler>
    void operator()(const task_pool_state&, Handler&& handler, std::shared_ptr<task_state<R>> state,
                    const job_options& options) const
    {
        using own_handler = std::decay_t<Handler>;
        claim<R> claimed(state);
        state->drop(); // there is no handle to ask with, once the wait is given up
        std::shared_ptr<run_request<R>> asked;
        task_pointer task;
        try {
            // Where nothing has to wait for a place, the wait for the outcome begins here: a
            // request to cancel that comes at once finds it.
            auto taken = pool->try_accept(std::move(state), options);
            if (taken) {
                const auto executor = pool->home();
                outcome_handler<R, own_handler> taker(std::move(handler), std::move(claimed), rule,
                                                      pool);
                return wait_for_outcome(*executor, std::move(taker));
            }
            task = std::move(taken.job());
            const auto slot = boost::asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) {
                asked = std::make_shared<run_request<R>>(pool, claimed, rule);
                listen(slot, asked);
            }
        } catch (const std::bad_alloc&) {
            return refuse(std::move(handler));
        }
        run_handler<R, own_handler> accepted(std::move(handler), pool, std::move(claimed), rule,
                                             asked);
        const auto slot = asked ? asked->slot() : boost::asio::cancellation_slot();
        pool->submit(std::move(task), options,
                     boost::asio::bind_cancellation_slot(slot, std::move(accepted)));
    }

    std::shared_ptr<task_pool_state> pool;
    when_cancelled rule;

private:
    template <class Slot>
    static void listen(Slot slot, const std::shared_ptr<run_request<R>>& asked)
    {
        slot.assign([asked](boost::asio::cancellation_type type) { asked->ask(type); });
    }

    template <class Handler>
    [[gnu::cold]] void refuse(Handler&& handler) const
    {
        const boost::asio::any_io_executor where = executor_for(handler, pool->get_executor());
        if (!where)
            return; // the pool's context is gone, and the handler has no other
        post_to(where, [own = std::move(handler)]() mutable {
            std::move(own)(error_code(boost::asio::error::no_memory), outcome<R>());
        });
    }
};

} // namespace weir::detail
