#pragma once

#include <weir/flow/detail/is_awaitable.hpp>
#include <weir/flow/worker_pool.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

namespace weir {
namespace detail {

/// The queues of a worker pool.
template <class Job, class R>
class typed_pool : public pool_core {
public:
    using hook = std::function<void(outcome<R>&&)>;

    typed_pool(std::vector<boost::asio::any_io_executor> executors,
               const worker_pool_options& options, hook on_undelivered)
        : pool_core(std::move(executors), options), undelivered_(std::move(on_undelivered)),
          results_(first_executor(), options.results(), undelivered_),
          jobs_(first_executor(), options.queue(), [this](numbered_job<Job>&& j) { drop(j.id); })
    {
        if (options.discards_results())
            results_.close();
    }

    channel<numbered_job<Job>>& jobs() noexcept { return jobs_; }
    channel<outcome<R>>& results() noexcept { return results_; }
    void close_intake() noexcept override { jobs_.close(); }
    void close_results() noexcept override { results_.close(); }

protected:
    boost::asio::awaitable<void> deliver(outcome<R> out)
    {
        if (options().discards_results() || results_.try_send(std::move(out)))
            co_return;
        auto sent = co_await results_.async_send(std::move(out));
        if (!sent)
            lose(std::move(sent).value());
    }

    // Without waiting, for where nobody can wait.
    void deliver_now(outcome<R> out) noexcept
    {
        if (!options().discards_results() && !results_.try_send(std::move(out)))
            lose(std::move(out));
    }

    outcome<R> drop(const numbered_job<Job>& j)
    {
        note_unfinished(j.id, status::dropped);
        return outcome<R>(j.id, status::dropped, nullptr, stopping());
    }

private:
    std::uint64_t accepted() const noexcept override { return jobs_.sent(); }

    void torn_down(job_id id) noexcept override
    {
        deliver_now(outcome<R>(id, status::abandoned, nullptr, cancel_reason::shutdown));
    }

    // A job that was accepted and whose queue goes away, or whose context does.
    void drop(job_id id) noexcept
    {
        count_elsewhere(status::dropped);
        deliver_now(outcome<R>(id, status::dropped, nullptr, cancel_reason::shutdown));
    }

    void lose(outcome<R>&& out) noexcept
    {
        if (undelivered_)
            undelivered_(std::move(out));
    }

    hook undelivered_;
    channel<outcome<R>> results_; // outlives the jobs, for those left in their queue end here
    channel<numbered_job<Job>> jobs_;
};

template <class Handler, class Job, bool TakesContext>
struct returned_by : std::invoke_result<Handler&, Job&&> {
};
template <class Handler, class Job>
struct returned_by<Handler, Job, true> : std::invoke_result<Handler&, Job&&, job_context&> {
};

/// The worker's coroutine, for one type of handler.
template <class Job, class R, class Handler>
class handled_pool final : public typed_pool<Job, R> {
public:
    handled_pool(std::vector<boost::asio::any_io_executor> executors,
                 const worker_pool_options& options,
                 typename typed_pool<Job, R>::hook on_undelivered, Handler handler)
        : typed_pool<Job, R>(std::move(executors), options, std::move(on_undelivered)),
          handler_(std::move(handler))
    {
    }

private:
    static constexpr bool takes_context = std::is_invocable_v<Handler&, Job&&, job_context&>;
    static_assert(takes_context || std::is_invocable_v<Handler&, Job&&>,
                  "a worker pool's handler is called as (Job) or (Job, job_context&)");

    auto call(Job&& job, worker& w)
    {
        if constexpr (takes_context)
            return std::invoke(handler_, std::move(job), static_cast<job_context&>(w));
        else
            return std::invoke(handler_, std::move(job));
    }

    static constexpr bool is_coroutine =
        is_awaitable<typename returned_by<Handler, Job, takes_context>::type>;
    using value_type = typename outcome<R>::value_type;

    void start_worker(presence here) override { spawn(std::move(here), std::nullopt); }

    void replace(presence here, job_id given_up, cancel_reason reason) override
    {
        spawn(std::move(here), outcome<R>(given_up, status::abandoned, nullptr, reason));
    }

    void spawn(presence here, std::optional<outcome<R>> first)
    {
        worker& w = here.of();
        const auto executor = w.get_executor();
        // Whatever leaves the worker is a fault of ours or of the machine: the runner's error sink
        // has it. The pool is kept until then: the coroutine's last steps still touch the worker's
        // signal.
        const auto on_end = [self = this->shared_from_this()](std::exception_ptr error) {
            if (error)
                std::rethrow_exception(error);
        };
        boost::asio::co_spawn(executor, work(std::move(here), std::move(first)),
                              boost::asio::bind_cancellation_slot(w.signal.slot(), on_end));
    }

    boost::asio::awaitable<void> work(presence here, std::optional<outcome<R>> first)
    {
        worker& w = here.of();
        const time_service& clock = time_service::of(w.get_executor());
        turn my_turn(clock);
        if (first)
            co_await this->deliver(std::move(*first));
        for (;;) {
            std::optional<numbered_job<Job>> next = this->jobs().try_receive();
            if (!next) {
                next = co_await this->jobs().async_receive();
                if (!next)
                    break;
                my_turn.begin(clock);
            }
            std::optional<outcome<R>> out;
            if (this->stopping() != cancel_reason::none) {
                w.counts.ended(status::dropped);
                out.emplace(this->drop(*next));
            } else {
                w.begin(next->id);
                std::optional<value_type> value;
                std::exception_ptr error;
                try {
                    if constexpr (is_coroutine) {
                        this->watch(w);
                        auto operation = call(std::move(next->job), w);
                        if constexpr (std::is_void_v<R>) {
                            co_await std::move(operation);
                            value.emplace();
                        } else {
                            value.emplace(co_await std::move(operation));
                        }
                    } else if constexpr (std::is_void_v<R>) {
                        call(std::move(next->job), w);
                        value.emplace();
                    } else {
                        value.emplace(call(std::move(next->job), w));
                    }
                } catch (...) {
                    error = std::current_exception();
                }
                if (w.retired()) { // given up meanwhile: what came of it is nobody's
                    w.counts.late();
                    co_return;
                }
                const status s = w.end(value.has_value());
                if constexpr (
                    is_coroutine) // what the job did to its cancellation stays with the job
                    co_await boost::asio::this_coro::reset_cancellation_state();
                if (value)
                    out.emplace(outcome<R>::ok(next->id, std::move(*value)));
                else
                    out.emplace(next->id, s, std::move(error), w.reason());
                if (s == status::cancelled)
                    this->note_unfinished(next->id, s);
            }
            co_await this->deliver(std::move(*out));
            if (my_turn.is_over(clock)) {
                co_await boost::asio::post(boost::asio::deferred);
                my_turn.begin(clock);
            }
        }
    }

    Handler handler_;
};

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

} // namespace detail

template <class Job, class R>
template <class Handler>
worker_pool<Job, R>::worker_pool(std::vector<executor_type> executors,
                                 const worker_pool_options& options, Handler handler,
                                 undelivered_hook on_undelivered)
    : state_(std::make_shared<detail::handled_pool<Job, R, Handler>>(
          std::move(executors), options, std::move(on_undelivered), std::move(handler)))
{
    state_->start_workers();
}

template <class Job, class R>
struct worker_pool<Job, R>::initiate_submit {
    using executor_type = worker_pool::executor_type;

    explicit initiate_submit(std::shared_ptr<state> s) : pool(std::move(s)) {}
    executor_type get_executor() const noexcept { return pool->first_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, Job job) const
    {
        using own = detail::submit_handler<Job, std::decay_t<Handler>>;
        const job_id id = pool->next_id();
        std::decay_t<Handler> moved(std::forward<Handler>(handler));
        pool->jobs().async_send(detail::numbered_job<Job>(id, std::move(job)),
                                own(std::move(moved), pool, id));
    }

    std::shared_ptr<state> pool;
};

template <class Job, class R>
submit_result<Job> worker_pool<Job, R>::try_submit(Job job)
{
    detail::numbered_job<Job> numbered(state_->next_id(), std::move(job));
    const job_id id = numbered.id;
    const try_result sent = state_->jobs().try_send(std::move(numbered));
    if (sent)
        return submit_result<Job>(id);
    state_->reject();
    return submit_result<Job>(sent.error(), std::move(numbered.job));
}

} // namespace weir

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
