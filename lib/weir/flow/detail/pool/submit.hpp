#pragma once

#include <weir/flow/detail/pool/worker_pool_state.hpp>
#include <weir/flow/submit_result.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/post.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

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

/// Turns the completion of a send into that of a submit; otherwise the handler itself.
template <class Value, class Job, class Handler>
struct submit_handler {
    submit_handler(Handler&& h, std::shared_ptr<pool_state> p, job_id i)
        : handler(std::move(h)), pool(std::move(p)), id(i)
    {
    }

    void operator()(send_result<Value> sent)
    {
        if (sent)
            return std::move(handler)(submit_result<Job>(id));
        pool->reject();
        std::move(handler)(submit_result<Job>(sent.error(), job_in<Job>(sent.value())));
    }

    Handler handler;
    std::shared_ptr<pool_state> pool;
    job_id id;
};

/// Tells a submitter that the job it ran itself has ended.
template <class Job, class Handler>
struct guest_handler {
    guest_handler(std::shared_ptr<Handler> h, job_id i) : handler(std::move(h)), id(i) {}

    void operator()() { std::move (*handler)(submit_result<Job>(id)); }

    std::shared_ptr<Handler> handler; // shared, for when the pool turns out to be closed
    job_id id;
};

/// Submits without waiting; the job is handed back when there is no place for it.
template <class Pool>
auto try_submit(Pool& pool, const job_options* said, typename Pool::job_type&& job)
{
    using Job = typename Pool::job_type;
    ticket number = Pool::are_numbered ? pool.next_ticket(said) : ticket();
    const job_id id = number.id;
    auto item = item_for<Pool>(std::move(number), std::move(job));
    const try_result sent = pool.jobs().try_send(std::move(item));
    if (sent)
        return submit_result<Job>(id);
    pool.reject();
    return submit_result<Job>(sent.error(), job_in<Job>(item));
}

/// Submits from the front while there are places.
template <class Pool>
std::size_t try_submit_n(Pool& pool, std::span<typename Pool::job_type> jobs)
{
    using Job = typename Pool::job_type;
    std::size_t count = 0;
    if constexpr (Pool::in_batches)
        if (!pool.options().takes_timings()) // then numbering one allocates nothing
            count = pool.jobs().try_give(jobs.size(), [&](std::size_t i) {
                return numbered_job<Job>(pool.next_ticket(nullptr), std::move(jobs[i]));
            });
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

template <class Pool>
struct initiate_submit {
    using executor_type = boost::asio::any_io_executor;
    using Job = typename Pool::job_type;
    using value_type = typename Pool::queue_type::value_type;

    explicit initiate_submit(std::shared_ptr<Pool> p) : pool(std::move(p)) {}
    executor_type get_executor() const noexcept { return pool->first_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, Job job) const
    {
        submit(std::forward<Handler>(handler), std::move(job), nullptr);
    }

    template <class Handler>
    void operator()(Handler&& handler, Job job, const job_options& said) const
    {
        submit(std::forward<Handler>(handler), std::move(job), &said);
    }

private:
    template <class Handler>
    void submit(Handler&& handler, Job&& job, const job_options* said) const
    {
        using own = submit_handler<value_type, Job, std::decay_t<Handler>>;
        std::decay_t<Handler> moved(std::forward<Handler>(handler));
        if (pool->options().when_full() == overflow::caller_runs)
            return submit_or_run(std::move(job), said, std::move(moved));
        ticket number = Pool::are_numbered ? pool->next_ticket(said) : ticket();
        const job_id id = number.id;
        const time_point deadline = number.deadline();
        auto item = item_for<Pool>(std::move(number), std::move(job));
        own handed(std::move(moved), pool, id);
        if constexpr (is_channel<typename Pool::queue_type>)
            pool->jobs().async_send_until(deadline, std::move(item), std::move(handed));
        else
            pool->jobs().async_send(std::move(item), std::move(handed));
    }

    template <class Handler>
    void submit_or_run(Job&& job, const job_options* said, Handler&& handler) const
    {
        namespace asio = boost::asio;
        const asio::any_io_executor where = asio::get_associated_executor(handler, get_executor());
        ticket number = pool->next_ticket(said);
        const job_id id = number.id;
        numbered_job<Job> item(std::move(number), std::move(job));
        try_result sent;
        if constexpr (Pool::are_numbered)
            sent = pool->jobs().try_send(std::move(item));
        else
            sent = pool->jobs().try_send(std::move(item.job));
        if (sent) {
            submit_result<Job> accepted(Pool::are_numbered ? id : 0);
            return asio::post(where, asio::append(std::move(handler), std::move(accepted)));
        }
        auto own = std::make_shared<Handler>(std::move(handler));
        guest_handler<Job, Handler> on_end(own, id);
        if (sent.error() != errc::closed &&
            pool->run_as_guest(where, std::move(item), std::move(on_end)))
            return;
        pool->reject();
        submit_result<Job> back(errc::closed, std::move(item.job));
        asio::post(where, asio::append(std::move(*own), std::move(back)));
    }

    std::shared_ptr<Pool> pool;
};

} // namespace weir::detail

// Where a handler is run, with which memory, and how it is cancelled do not change by wrapping it.
template <template <class, class> class Associator, class Value, class Job, class Handler,
          class Default>
struct boost::asio::associator<Associator, weir::detail::submit_handler<Value, Job, Handler>,
                               Default> : Associator<Handler, Default> {
    static auto get(const weir::detail::submit_handler<Value, Job, Handler>& h) noexcept
    {
        return Associator<Handler, Default>::get(h.handler);
    }
    static auto get(const weir::detail::submit_handler<Value, Job, Handler>& h,
                    const Default& d) noexcept
    {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};
