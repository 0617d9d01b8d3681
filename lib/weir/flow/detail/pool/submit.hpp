#pragma once

#include <weir/detail/handler_executor.hpp>
#include <weir/detail/handler_wrapper.hpp>
#include <weir/detail/initiate.hpp>
#include <weir/detail/post_to.hpp>
#include <weir/flow/detail/pool/pool_queues.hpp>
#include <weir/flow/submit_result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

// The way of a job into its pool: it gets a number, and goes into the queue, where it may have to
// wait for a place. The queue is a channel: it is there that submitters wait.

namespace weir::detail {

/// The job in a queue's value, which may be a bare one.
template <class Job, class Value>
Job&& job_in(Value& value) noexcept
{
    if constexpr (std::is_same_v<Value, Job>)
        return std::move(value);
    else
        return std::move(value.job);
}

/// What a queue takes for a job; a bare one is numbered when it is taken out again.
template <class Pool>
auto item_for(ticket&& number, typename Pool::job_type&& job)
{
    if constexpr (Pool::are_numbered)
        return numbered_job<typename Pool::job_type>(std::move(number), std::move(job));
    else
        return std::move(job);
}

/// Turns the completion of a send into that of a submit.
template <class Value, class Job, class Handler>
struct submit_handler : handler_wrapper<Handler> {
    submit_handler(Handler&& h, std::shared_ptr<pool_state> p, job_id i)
        : handler_wrapper<Handler>(std::move(h)), pool(std::move(p)), id(i)
    {
    }

    void operator()(send_result<Value> sent)
    {
        if (sent)
            return std::move(this->handler)(submit_result<Job>(id));
        pool->reject();
        std::move(this->handler)(submit_result<Job>(sent.error(), job_in<Job>(sent.value())));
    }

    std::shared_ptr<pool_state> pool;
    job_id id;
};

/// A submitter whose job runs on its own executor. It goes on when the job has ended.
template <class Job, class Handler>
struct caller_that_runs final : end_callback {
    caller_that_runs(Handler&& h, job_id i) : handler(std::move(h)), id(i) {}

    void job_ended() override { call_handler(std::move(handler), submit_result<Job>(id)); }

    Handler handler;
    job_id id;
};

/// Takes in a job of a pool that has limits besides its workers, when there is a place for it now.
/// On error it is as it was.
template <class Pool>
error_code accept_limited(Pool& pool, numbered_job<typename Pool::job_type>& job)
{
    if (const error_code error = pool.limits()->try_admit(*job.number.record))
        return error;
    return pool.accept_limited(job);
}

/// A submitter that waits for a place in a pool with limits besides its workers.
template <class Pool, class Handler>
class limited_submit final : public place_waiter {
    using Job = typename Pool::job_type;

public:
    limited_submit(std::shared_ptr<Pool> p, Handler&& h)
        : handler(std::move(h)), pool_(std::move(p))
    {
    }

    job_record& record() noexcept override { return *item->number.record; }

    void admitted(error_code why_not) override
    {
        const job_id id = item->number.id;
        const error_code error = why_not ? why_not : pool_->accept_limited(*item);
        if (error) {
            pool_->reject();
            result_.emplace(error, std::move(item->job));
            item.reset(); // with what it holds of the limits
        } else {
            result_.emplace(id);
        }
    }
    void complete() override { call_handler(std::move(handler), std::move(*result_)); }

    std::optional<numbered_job<Job>> item;
    Handler handler;

private:
    std::shared_ptr<Pool> pool_;
    std::optional<submit_result<Job>> result_;
};

/// As `try_accept`, for a pool that looks at each job before.
template <class Pool>
[[gnu::cold, gnu::noinline]] auto try_accept_checked(Pool& pool, ticket&& number,
                                                     typename Pool::job_type&& job)
{
    using Job = typename Pool::job_type;
    if (pool.comes_late(number))
        return submit_result<Job>(errc::not_in_time, std::move(job));
    const job_id id = number.id;
    error_code error;
    if constexpr (Pool::are_numbered) {
        numbered_job<Job> item(std::move(number), std::move(job));
        if (pool.limits() != nullptr)
            error = accept_limited(pool, item);
        else
            error = pool.give(item);
        if (error)
            return submit_result<Job>(error, std::move(item.job));
    }
    return submit_result<Job>(id);
}

/// Takes a job in when there is a place for it now; otherwise it is handed back, and is not counted
/// as rejected. `options` may be null.
template <class Pool>
auto try_accept(Pool& pool, const job_options* options, typename Pool::job_type&& job)
{
    using Job = typename Pool::job_type;
    ticket number = Pool::are_numbered ? pool.next_ticket(options) : ticket();
    if constexpr (Pool::are_numbered)
        if (pool.checks_submits()) [[unlikely]]
            return try_accept_checked(pool, std::move(number), std::move(job));
    const job_id id = number.id;
    auto item = item_for<Pool>(std::move(number), std::move(job));
    const try_result sent = pool.jobs().try_send(std::move(item));
    if (sent)
        return submit_result<Job>(id);
    return submit_result<Job>(sent.error(), job_in<Job>(item));
}

/// Submits without waiting; the job is handed back when there is no place for it. `options` may be
/// null.
template <class Pool>
auto try_submit(Pool& pool, const job_options* options, typename Pool::job_type&& job)
{
    auto result = try_accept(pool, options, std::move(job));
    if (!result)
        pool.reject();
    return result;
}

/// Submits from the front while there are places.
template <class Pool>
std::size_t try_submit_n(Pool& pool, std::span<typename Pool::job_type> jobs)
{
    using Job = typename Pool::job_type;
    std::size_t count = 0;
    if constexpr (Pool::in_batches)
        if (!pool.has_records()) // then numbering a job allocates nothing
            count = channel_access::try_give(pool.jobs(), jobs.size(), [&](std::size_t i) {
                return numbered_job<Job>(pool.next_ticket(nullptr), std::move(jobs[i]));
            });
    for (; count < jobs.size() && pool.limits() != nullptr; ++count) {
        auto result = try_accept(pool, nullptr, std::move(jobs[count]));
        if (!result) {
            jobs[count] = std::move(result).job();
            return count;
        }
    }
    for (; count < jobs.size(); ++count) {
        ticket number = Pool::are_numbered ? pool.next_ticket(nullptr) : ticket();
        auto item = item_for<Pool>(std::move(number), std::move(jobs[count]));
        if (!pool.jobs().try_send(std::move(item))) {
            jobs[count] = job_in<Job>(item); // as it was
            break;
        }
    }
    return count;
}

/// What `async_submit` starts.
template <class Pool>
class start_submit {
    using Job = typename Pool::job_type;

public:
    explicit start_submit(std::shared_ptr<Pool> p) : pool_(std::move(p)) {}

    template <class Handler>
    void operator()(const Pool&, Handler&& handler, Job job) const
    {
        submit(std::move(handler), std::move(job), nullptr);
    }

    template <class Handler>
    void operator()(const Pool&, Handler&& handler, Job job, const job_options& options) const
    {
        submit(std::move(handler), std::move(job), &options);
    }

private:
    template <class Handler>
    void submit(Handler&& handler, Job&& job, const job_options* options) const
    {
        const bool caller_runs = pool_->options().when_full() == overflow::caller_runs;
        ticket number;
        try {
            if (Pool::are_numbered || caller_runs)
                number = pool_->next_ticket(options);
        } catch (const std::bad_alloc&) {
            return refuse(boost::asio::error::no_memory, std::move(handler), std::move(job));
        }
        if (pool_->checks_submits() && pool_->comes_late(number)) [[unlikely]]
            return refuse(errc::not_in_time, std::move(handler), std::move(job));
        if (Pool::are_numbered && pool_->limits() != nullptr)
            submit_limited(std::move(number), std::move(job), std::move(handler));
        else if (caller_runs)
            submit_or_run(std::move(number), std::move(job), std::move(handler));
        else
            submit_or_wait(std::move(number), std::move(job), std::move(handler));
    }

    template <class Handler>
    [[gnu::cold]] void refuse(error_code why, Handler&& handler, Job&& job) const
    {
        pool_->reject();
        submit_result<Job> result(why, std::move(job));
        const boost::asio::any_io_executor where = executor_for(handler, pool_->get_executor());
        if (where)
            complete_later(where, std::move(handler), std::move(result));
    }

    template <class Handler>
    [[gnu::cold]] void submit_limited(ticket&& number, Job&& job, Handler&& handler) const
    {
        namespace asio = boost::asio;
        using submitter = limited_submit<Pool, std::decay_t<Handler>>;
        const asio::any_io_executor where = executor_for(handler, pool_->get_executor());
        if (!where)
            return; // the pool's context is gone, and the handler has no other
        const job_id id = number.id;
        numbered_job<Job> item(std::move(number), std::move(job));
        const bool rejects = pool_->options().when_full() == overflow::reject;
        std::unique_ptr<place_waiter> own;
        error_code error;
        try {
            // None overtakes those that wait, or are on their way in.
            const bool must_wait = !rejects && pool_->limits()->waiting_submitters() != 0;
            error = must_wait ? make_error_code(errc::full) : accept_limited(*pool_, item);
            if (error == errc::full && !rejects) {
                const asio::cancellation_slot slot =
                    asio::get_associated_cancellation_slot(handler);
                own = std::make_unique<submitter>(pool_, std::move(handler));
                static_cast<submitter&>(*own).item.emplace(std::move(item));
                return pool_->limits()->async_admit(own, where, slot);
            }
        } catch (const std::bad_alloc&) {
            error = boost::asio::error::no_memory;
        }
        if (own) {
            auto& unsent = static_cast<submitter&>(*own);
            return refuse(error, std::move(unsent.handler), std::move(unsent.item->job));
        }
        if (error)
            return refuse(error, std::move(handler), std::move(item.job));
        complete_later(where, std::move(handler), submit_result<Job>(id));
    }

    template <class Handler>
    void submit_or_wait(ticket&& number, Job&& job, Handler&& handler) const
    {
        using value_type = typename Pool::queue_type::value_type;
        const job_id id = number.id;
        const time_point deadline = number.deadline();
        auto item = item_for<Pool>(std::move(number), std::move(job));
        submit_handler<value_type, Job, std::decay_t<Handler>> sent(std::move(handler), pool_, id);
        if constexpr (is_channel<typename Pool::queue_type>)
            channel_access::start_send(pool_->jobs(), deadline, std::move(item), std::move(sent));
        else
            pool_->jobs().async_send(std::move(item), std::move(sent));
    }

    template <class Handler>
    void submit_or_run(ticket&& number, Job&& job, Handler&& handler) const
    {
        namespace asio = boost::asio;
        using caller = caller_that_runs<Job, std::decay_t<Handler>>;
        const asio::any_io_executor where = executor_for(handler, pool_->get_executor());
        if (!where)
            return; // the pool's context is gone, and the handler has no other
        const job_id id = number.id;
        numbered_job<Job> item(std::move(number), std::move(job));
        try_result sent;
        if constexpr (Pool::are_numbered)
            sent = pool_->jobs().try_send(std::move(item));
        else
            sent = pool_->jobs().try_send(std::move(item.job));
        submit_result<Job> result(Pool::are_numbered ? id : 0);
        if (!sent) {
            auto own = std::make_unique<caller>(std::move(handler), id);
            caller& waits = *own;
            std::unique_ptr<end_callback> on_end(std::move(own));
            if (sent.error() != errc::closed &&
                pool_->run_beside(where, std::move(item), std::move(on_end)))
                return;
            pool_->reject();
            result = submit_result<Job>(errc::closed, std::move(item.job));
            return complete_later(where, std::move(waits.handler), std::move(result));
        }
        complete_later(where, std::move(handler), std::move(result));
    }

    template <class Handler>
    static void complete_later(const boost::asio::any_io_executor& where, Handler&& handler,
                               submit_result<Job>&& result)
    {
        post_to(where, [own = std::move(handler), result = std::move(result)]() mutable {
            call_handler(std::move(own), std::move(result));
        });
    }

    std::shared_ptr<Pool> pool_;
};

} // namespace weir::detail
