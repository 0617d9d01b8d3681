#pragma once

#include <weir/flow/detail/typed_pool.hpp>
#include <weir/flow/submit_result.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// Turns the completion of a send into that of a submit; otherwise the handler itself.
template <class Job, class Handler>
struct submit_handler {
    submit_handler(Handler&& h, std::shared_ptr<pool_core> p, job_id i)
        : handler(std::move(h)), pool(std::move(p)), id(i)
    {
    }

    void operator()(send_result<numbered_job<Job>> sent)
    {
        if (sent)
            return std::move(handler)(submit_result<Job>(id));
        pool->reject();
        std::move(handler)(submit_result<Job>(sent.error(), std::move(sent.value().job)));
    }

    Handler handler;
    std::shared_ptr<pool_core> pool;
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
template <class Job>
submit_result<Job> try_submit(pool_with_jobs<Job>& pool, ticket number, Job&& job)
{
    const job_id id = number.id;
    numbered_job<Job> item(std::move(number), std::move(job));
    const try_result sent = pool.jobs().try_send(std::move(item));
    if (sent)
        return submit_result<Job>(id);
    pool.reject();
    return submit_result<Job>(sent.error(), std::move(item.job));
}

template <class Job>
struct initiate_submit {
    using executor_type = boost::asio::any_io_executor;

    explicit initiate_submit(std::shared_ptr<pool_with_jobs<Job>> p) : pool(std::move(p)) {}
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
        using own = submit_handler<Job, std::decay_t<Handler>>;
        ticket number = pool->next_ticket(said);
        const job_id id = number.id;
        const time_point deadline = number.deadline();
        numbered_job<Job> item(std::move(number), std::move(job));
        std::decay_t<Handler> moved(std::forward<Handler>(handler));
        if (pool->options().when_full() == overflow::caller_runs)
            return submit_or_run(std::move(item), std::move(moved));
        pool->jobs().async_send_until(deadline, std::move(item), own(std::move(moved), pool, id));
    }

    template <class Handler>
    void submit_or_run(numbered_job<Job>&& item, Handler&& handler) const
    {
        namespace asio = boost::asio;
        const job_id id = item.number.id;
        const asio::any_io_executor where = asio::get_associated_executor(handler, get_executor());
        const try_result sent = pool->jobs().try_send(std::move(item));
        if (sent)
            return asio::post(where, asio::append(std::move(handler), submit_result<Job>(id)));
        auto own = std::make_shared<Handler>(std::move(handler));
        guest_handler<Job, Handler> on_end(own, id);
        if (sent.error() != errc::closed &&
            pool->run_as_guest(where, std::move(item), std::move(on_end)))
            return;
        pool->reject();
        submit_result<Job> back(errc::closed, std::move(item.job));
        asio::post(where, asio::append(std::move(*own), std::move(back)));
    }

    std::shared_ptr<pool_with_jobs<Job>> pool;
};

} // namespace weir::detail

// Where a handler is run, with which memory, and how it is cancelled do not change by wrapping it.
template <template <class, class> class Associator, class Job, class Handler, class Default>
struct boost::asio::associator<Associator, weir::detail::submit_handler<Job, Handler>, Default>
    : Associator<Handler, Default> {
    static auto get(const weir::detail::submit_handler<Job, Handler>& h) noexcept
    {
        return Associator<Handler, Default>::get(h.handler);
    }
    static auto get(const weir::detail::submit_handler<Job, Handler>& h, const Default& d) noexcept
    {
        return Associator<Handler, Default>::get(h.handler, d);
    }
};
