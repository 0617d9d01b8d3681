#pragma once

#include <weir/detail/handler_wrapper.hpp>
#include <weir/detail/wait_operation.hpp>
#include <weir/error.hpp>
#include <weir/flow/detail/pool/task_state.hpp>
#include <weir/flow/outcome.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace weir {
namespace detail {

/// Completes a wait for a task with its outcome; otherwise the handler itself.
template <class R, class Handler>
struct outcome_handler : handler_wrapper<Handler> {
    outcome_handler(Handler&& h, claim<R>&& c)
        : handler_wrapper<Handler>(std::move(h)), claimed(std::move(c))
    {
    }

    void operator()(error_code error)
    {
        if (error) {
            claimed.give_up();
            return std::move(this->handler)(error, outcome<R>());
        }
        outcome<R> out = claimed.take();
        std::move(this->handler)(error, std::move(out));
    }

    claim<R> claimed;
};

template <class R, class Handler>
void wait_for_outcome(const boost::asio::any_io_executor& executor, claim<R> claimed,
                      Handler&& handler)
{
    event done = claimed.done();
    done.async_wait(executor, outcome_handler<R, Handler>(std::move(handler), std::move(claimed)));
}

template <class R>
struct initiate_outcome {
    using executor_type = boost::asio::any_io_executor;

    initiate_outcome(executor_type e, std::shared_ptr<task_state<R>> t)
        : executor(std::move(e)), task(std::move(t))
    {
    }
    executor_type get_executor() const noexcept { return executor; }

    template <class Handler>
    void operator()(Handler&& handler) const
    {
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        wait_for_outcome(executor, claim<R>(task), std::move(own));
    }

    executor_type executor;
    std::shared_ptr<task_state<R>> task;
};

} // namespace detail

/// A job that a `task_pool` has accepted, in the hand of who submitted it.
///
/// Lifetime: may outlive its pool. Destroying it cancels nothing: the job goes on, and if it fails
///           the pool's hook for unclaimed failures is told.
/// Threads: any thread; one object by one thread at a time.
template <class R>
class [[nodiscard]] task {
public:
    /// No job.
    task() noexcept = default;
    task(task&&) noexcept = default;
    task& operator=(task&& other) noexcept
    {
        if (this != &other) {
            drop();
            id_ = other.id_;
            executor_ = std::move(other.executor_);
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~task() { drop(); }

    explicit operator bool() const noexcept { return state_ != nullptr; }
    job_id id() const noexcept { return id_; }
    /// Its outcome is there.
    bool is_done() const noexcept { return state_ && state_->is_done(); }

    /// Waits for the outcome, and takes it: once. Precondition: there is a job.
    ///
    /// Completion: `void(error_code, outcome<R>)`
    /// Errors: `boost::asio::error::operation_aborted` when cancelled.
    /// Cancellation: terminal, partial and total end the wait, not the job; it may be waited for
    ///               again.
    /// Handler: by its associated executor.
    template <class Token = default_token<boost::asio::any_io_executor>>
    auto async_outcome(Token&& token = Token())
    {
        return boost::asio::async_initiate<Token, void(error_code, outcome<R>)>(
            detail::initiate_outcome<R>(executor_, state_), token);
    }

    /// For pools.
    task(job_id id, boost::asio::any_io_executor executor,
         std::shared_ptr<detail::task_state<R>> state) noexcept
        : id_(id), executor_(std::move(executor)), state_(std::move(state))
    {
    }

private:
    void drop() noexcept
    {
        if (const auto state = std::move(state_))
            state->drop();
    }

    job_id id_ = 0;
    boost::asio::any_io_executor executor_;
    std::shared_ptr<detail::task_state<R>> state_;
};

} // namespace weir
