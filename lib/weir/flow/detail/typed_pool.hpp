#pragma once

#include <weir/flow/detail/is_awaitable.hpp>
#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool_core.hpp>
#include <weir/flow/submit_result.hpp>
#include <weir/sync/channel.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::detail {

inline when_full rule_for(overflow rule) noexcept
{
    switch (rule) {
    case overflow::drop_oldest:
        return when_full::drop_oldest;
    case overflow::drop_newest:
        return when_full::drop_newest;
    case overflow::reject:
        return when_full::reject;
    default:
        return when_full::wait;
    }
}

/// A pool's jobs, and what is common to all pools that have a queue of them.
template <class Job>
class pool_with_jobs : public pool_core {
public:
    using job_type = Job;
    using queue_type = channel<numbered_job<Job>>;

    queue_type& jobs() noexcept { return *jobs_; }
    void close_intake() noexcept override { jobs_->close(); }

    /// Runs one job beside the workers, at an executor of its submitter's or, when that is empty,
    /// at one of the pool's; the submitter is told when it has ended. False: the pool is closed,
    /// and the item is still there.
    virtual bool run_as_guest(boost::asio::any_io_executor where, numbered_job<Job>&& item,
                              boost::asio::any_completion_handler<void()> on_end) = 0;

protected:
    void accept_guest() noexcept { guests_.fetch_add(1, std::memory_order_acq_rel); }

    pool_with_jobs(std::vector<boost::asio::any_io_executor> executors,
                   const worker_pool_options& options)
        : pool_core(std::move(executors), options)
    {
        jobs_.emplace(first_executor(), options.queue(), rule_for(options.when_full()),
                      [this](numbered_job<Job>&& j) { dropped(std::move(j)); });
    }

    /// Drops what is left. In the destructor of the class that publishes drops.
    void end_queue() noexcept { jobs_.reset(); }

    void measure(pool_stats& stats) const override
    {
        stats.depth = jobs_->size();
        stats.waiting = jobs_->senders_waiting();
    }

private:
    /// A job that was accepted and never starts: its queue, or its context, is being destroyed, or
    /// it made room for another.
    virtual void publish_drop(Job& job, ticket&& number, cancel_reason reason) noexcept = 0;

    void dropped(numbered_job<Job>&& j) noexcept
    {
        count_elsewhere(status::dropped);
        const bool overloaded =
            stopping() == cancel_reason::none && rule_for(options().when_full()) != when_full::wait;
        publish_drop(j.job, std::move(j.number),
                     overloaded ? cancel_reason::overload : cancel_reason::shutdown);
    }

    std::uint64_t accepted() const noexcept override { return jobs_->sent() + guests_.load(); }
    bool jobs_ended() const noexcept override { return jobs_->is_ended(); }

    std::atomic<std::uint64_t> guests_{0};
    std::optional<queue_type> jobs_;
};

/// The outcomes of a worker pool. They outlive the jobs, for those left in their queue end here.
template <class R>
class pool_results {
public:
    using hook = std::function<void(outcome<R>&&)>;

    pool_results(const boost::asio::any_io_executor& executor, const worker_pool_options& options,
                 hook on_undelivered)
        : undelivered_(std::move(on_undelivered)), discards_(options.discards_results()),
          results_(executor, options.results(), undelivered_)
    {
        if (discards_)
            results_.close();
    }

    channel<outcome<R>>& results() noexcept { return results_; }
    const channel<outcome<R>>& results() const noexcept { return results_; }

protected:
    // True: it is delivered, or there is no need to.
    bool deliver(outcome<R>& out) noexcept
    {
        return discards_ || bool(results_.try_send(std::move(out)));
    }

    void lose(outcome<R>&& out) noexcept
    {
        if (undelivered_)
            undelivered_(std::move(out));
    }

private:
    hook undelivered_;
    bool discards_;
    channel<outcome<R>> results_;
};

/// The queues of a worker pool.
template <class Job, class R>
class typed_pool : public pool_results<R>, public pool_with_jobs<Job> {
public:
    using result_type = R;
    using hook = typename pool_results<R>::hook;

    typed_pool(std::vector<boost::asio::any_io_executor> executors,
               const worker_pool_options& options, hook on_undelivered)
        : pool_results<R>(first(executors), options, std::move(on_undelivered)),
          pool_with_jobs<Job>(std::move(executors), options)
    {
    }

    ~typed_pool() override { this->end_queue(); }

    void close_results() noexcept override { this->results().close(); }

protected:
    bool publish(Job&, outcome<R>& out) noexcept { return this->deliver(out); }

    boost::asio::awaitable<void> publish_later(outcome<R> out)
    {
        auto sent = co_await this->results().async_send(std::move(out));
        if (!sent)
            this->lose(std::move(sent).value());
    }

    // Without waiting, for where nobody can wait.
    void publish_now(Job&, outcome<R>&& out) noexcept
    {
        if (!this->deliver(out))
            this->lose(std::move(out));
    }

private:
    static boost::asio::any_io_executor
    first(const std::vector<boost::asio::any_io_executor>& executors)
    {
        return executors.empty() ? boost::asio::any_io_executor() : executors.front();
    }

    void publish_drop(Job& job, ticket&& number, cancel_reason reason) noexcept override
    {
        publish_now(job, outcome<R>(std::move(number), status::dropped, nullptr, reason));
    }

    void measure(pool_stats& stats) const override
    {
        pool_with_jobs<Job>::measure(stats);
        stats.results = this->results().size();
    }
};

/// How a worker pool's handler is called.
template <class Job, class R, class Handler>
class handler_work {
    static constexpr bool takes_context = std::is_invocable_v<Handler&, Job&&, job_context&>;
    static_assert(takes_context || std::is_invocable_v<Handler&, Job&&>,
                  "a worker pool's handler is called as (Job) or (Job, job_context&)");

    static auto invoke(Handler& handler, Job&& job, [[maybe_unused]] job_context& context)
    {
        if constexpr (takes_context)
            return std::invoke(handler, std::move(job), context);
        else
            return std::invoke(handler, std::move(job));
    }

    using returned = decltype(invoke(std::declval<Handler&>(), std::declval<Job>(),
                                     std::declval<job_context&>()));

public:
    static constexpr bool may_suspend = is_awaitable<returned>;
    static constexpr bool may_run = !may_suspend;

    explicit handler_work(Handler handler) : handler_(std::move(handler)) {}

    static constexpr bool suspends(const Job&) noexcept { return may_suspend; }

    auto start(Job& job, job_context& context) { return invoke(handler_, std::move(job), context); }

    typename outcome<R>::value_type call(Job& job, job_context& context)
    {
        if constexpr (std::is_void_v<R>) {
            invoke(handler_, std::move(job), context);
            return {};
        } else {
            return invoke(handler_, std::move(job), context);
        }
    }

private:
    Handler handler_;
};

} // namespace weir::detail
