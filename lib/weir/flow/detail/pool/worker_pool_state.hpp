#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/flow/own_queue.hpp>
#include <weir/flow/submit_result.hpp>
#include <weir/sync/channel.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::detail {

/// What the queue itself does when it is full: a job that its caller runs is never in the queue.
inline overflow queue_rule(overflow rule) noexcept
{
    return rule == overflow::caller_runs ? overflow::wait : rule;
}

template <class Queue>
inline constexpr bool is_channel = false;
template <class T, class Executor>
inline constexpr bool is_channel<channel<T, Executor>> = true;

template <class Queue, class Hook>
void open(std::optional<Queue>& queue, own_queue, const pool_state& pool, std::size_t capacity,
          overflow rule, Hook hook)
{
    if constexpr (is_channel<Queue>) {
        queue.emplace(pool.first_executor(), capacity, rule, std::move(hook));
    } else {
        if (rule == overflow::drop_oldest || rule == overflow::drop_newest)
            throw std::invalid_argument("weir: Asio's channels drop nothing: use another rule");
        queue.emplace(pool.first_executor(), capacity, std::move(hook));
    }
}

template <class Queue, class Channel, class Side, class Hook>
void open_over(std::optional<Queue>& queue, Channel& channel, Side plain, const pool_state& pool,
               Hook hook)
{
    queue.emplace(channel, plain, std::span(pool.executors()), std::move(hook));
}

/// From here on a channel of the user's is not touched any more.
template <class Queue>
void let_go(Queue& queue) noexcept
{
    if constexpr (requires { queue.let_go(); })
        queue.let_go();
}

/// A pool's jobs, and what is common to all pools that have a queue of them.
///
/// The queue's values are numbered jobs, or bare ones, which are numbered as they are taken out.
template <class Job, class Queue>
class pool_with_jobs : public pool_state {
public:
    using job_type = Job;
    using queue_type = Queue;
    static constexpr bool are_numbered =
        std::is_same_v<typename Queue::value_type, numbered_job<Job>>;

    /// Jobs may be taken out several at a time, in one go.
    static constexpr bool in_batches = is_channel<Queue> && are_numbered;

    queue_type& jobs() noexcept { return *jobs_; }

    /// Takes up to `most` jobs that are there.
    template <class Take>
    void take_some(std::size_t most, Take&& take)
    {
        jobs_->try_take(most, take);
    }

    /// What comes out of the queue.
    std::optional<numbered_job<Job>> number(std::optional<typename Queue::value_type>&& job)
    {
        if constexpr (are_numbered) {
            return std::move(job);
        } else {
            if (!job)
                return std::nullopt;
            return numbered_job<Job>(next_ticket(nullptr), std::move(*job));
        }
    }
    void close_intake() noexcept override { jobs_->close(); }

    /// Runs one job beside the workers, at an executor of its submitter's or, when that is empty,
    /// at one of the pool's; the submitter is told when it has ended. False: the pool is closed,
    /// and the item is still there.
    virtual bool run_as_guest(boost::asio::any_io_executor where, numbered_job<Job>&& item,
                              boost::asio::any_completion_handler<void()> on_end) = 0;

protected:
    void dropped(numbered_job<Job> j) noexcept
    {
        count_elsewhere(status::dropped);
        const bool overloaded = stopping() == cancel_reason::none &&
                                queue_rule(options().when_full()) != overflow::wait;
        publish_drop(j.job, std::move(j.number),
                     overloaded ? cancel_reason::overload : cancel_reason::shutdown);
    }

    void accept_guest() noexcept { guests_.fetch_add(1, std::memory_order_acq_rel); }

    pool_with_jobs(std::vector<boost::asio::any_io_executor> executors, const pool_options& options)
        : pool_state(std::move(executors), options)
    {
    }

    /// Once, in the constructor of the class that publishes drops.
    template <class Source>
    void begin_queue(Source& source)
    {
        const auto hook = [this](typename Queue::value_type&& j) {
            std::optional<typename Queue::value_type> job(std::move(j));
            dropped(*number(std::move(job)));
        };
        if constexpr (std::is_same_v<Source, own_queue>)
            open(jobs_, source, *this, options().queue(), queue_rule(options().when_full()), hook);
        else
            open_over(jobs_, source, Queue::as_jobs, *this, hook);
    }

    /// Drops what is left. In the destructor of the class that publishes drops.
    void end_queue() noexcept { jobs_.reset(); }

    void measure(pool_stats& stats) const override
    {
        stats.queued = jobs_->size();
        if constexpr (is_channel<Queue>)
            stats.waiting_submitters = jobs_->waiting_senders();
    }

private:
    /// A job that was accepted and never starts: its queue, or its context, is being destroyed, or
    /// it made room for another.
    virtual void publish_drop(Job& job, ticket&& number, cancel_reason reason) noexcept = 0;

    std::uint64_t accepted() const noexcept override { return jobs_->sent() + guests_.load(); }
    bool jobs_ended() const noexcept override { return jobs_->is_ended(); }

    void drop_waiting() noexcept override
    {
        while (auto job = number(jobs_->try_receive()))
            dropped(std::move(*job));
    }

    std::atomic<std::uint64_t> guests_{0};
    std::optional<queue_type> jobs_;
};

/// The queues of a worker pool.
template <class Job, class R, class Jobs, class Results>
class worker_pool_state : public pool_with_jobs<Job, Jobs> {
public:
    using result_type = R;
    using hook = std::function<void(outcome<R>&&)>;

    template <class JobsSource, class ResultsSource>
    worker_pool_state(std::vector<boost::asio::any_io_executor> executors,
                      const pool_options& options, JobsSource& jobs, ResultsSource& results,
                      hook on_undelivered)
        : pool_with_jobs<Job, Jobs>(std::move(executors), options),
          undelivered_(std::move(on_undelivered))
    {
        if constexpr (std::is_same_v<ResultsSource, own_queue>)
            open(results_, results, *this, options.results(), overflow::wait, undelivered_);
        else
            open_over(results_, results, Results::as_results, *this, undelivered_);
        if (options.discards_results())
            results_->close();
        this->begin_queue(jobs);
    }

    ~worker_pool_state() override { this->end_queue(); } // what is left in it ends in the results

    Results& results() noexcept { return *results_; }
    void close_results() noexcept override { results_->close(); }

    void let_go() noexcept
    {
        detail::let_go(this->jobs());
        detail::let_go(*results_);
    }

protected:
    // True: it is delivered, or there is no need to.
    bool publish(Job&, outcome<R>& out) noexcept
    {
        return this->options().discards_results() || bool(results_->try_send(std::move(out)));
    }

    boost::asio::awaitable<void> publish_later(outcome<R> out)
    {
        auto sent = co_await results_->async_send(std::move(out));
        if (!sent)
            lose(std::move(sent).value());
    }

    // From the front, in one go; how many.
    std::size_t publish_some(std::span<outcome<R>> outcomes) noexcept
    {
        if (this->options().discards_results())
            return outcomes.size();
        if constexpr (is_channel<Results>)
            return results_->try_send_n(outcomes);
        std::size_t count = 0;
        while (count < outcomes.size() && results_->try_send(std::move(outcomes[count])))
            ++count;
        return count;
    }

    // Without waiting, for where nobody can wait.
    void publish_now(Job&, outcome<R>&& out) noexcept { publish_now(std::move(out)); }
    void publish_now(outcome<R>&& out) noexcept
    {
        if (!this->options().discards_results() && !results_->try_send(std::move(out)))
            lose(std::move(out));
    }

private:
    void lose(outcome<R>&& out) noexcept
    {
        if (undelivered_)
            undelivered_(std::move(out));
    }

    void publish_drop(Job& job, ticket&& number, cancel_reason reason) noexcept override
    {
        publish_now(job, outcome<R>(std::move(number), status::dropped, nullptr, reason));
    }

    void measure(pool_stats& stats) const override
    {
        pool_with_jobs<Job, Jobs>::measure(stats);
        stats.results = results_->size();
    }

    const hook undelivered_;
    std::optional<Results> results_;
};

/// How a worker pool's handler is called.
template <class Job, class R, class Handler>
class handler_work {
    static constexpr bool takes_context = std::is_invocable_v<Handler&, Job&&, job_context&>;
    static_assert(takes_context || std::is_invocable_v<Handler&, Job&&>,
                  "a worker pool's handler is called as (Job) or (Job, job_context&)");

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
        else
            return handler(std::move(job));
    }

    using returned = std::remove_cvref_t<decltype(invoke(
        std::declval<function&>(), std::declval<Job&>(), std::declval<job_context&>()))>;

public:
    static constexpr bool may_suspend = is_awaitable<returned>;
    static constexpr bool may_run = !may_suspend;

    static_assert(may_suspend || std::is_void_v<R> || std::is_convertible_v<returned, R>,
                  "a worker pool's handler returns the pool's results");

    explicit handler_work(Handler handler) : handler_(callable(std::move(handler))) {}

    static constexpr bool suspends(const Job&) noexcept { return may_suspend; }

    auto start(Job& job, job_context& context) { return invoke(handler_, job, context); }

    void call(Job& job, [[maybe_unused]] job_context& context, outcome<R>& out)
    {
        if constexpr (std::is_void_v<R>) {
            (void)invoke(handler_, job, context);
            out.set_value({});
        } else if constexpr (takes_context) {
            out.make_value(handler_, std::move(job), context);
        } else {
            out.make_value(handler_, std::move(job));
        }
    }

private:
    function handler_;
};

} // namespace weir::detail
