#pragma once

#include <weir/detail/handler_executor.hpp>
#include <weir/detail/list.hpp>
#include <weir/error.hpp>
#include <weir/run/detail/lane/lane_callers.hpp>
#include <weir/run/detail/lane/lane_job.hpp>
#include <weir/sync/limit.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace weir::detail {

/// The state of a lane: which jobs are queued, which run, and how many functions are posted to the
/// lane's executor. Each of these takes the first queued job only when it runs, so that a job can
/// be withdrawn until then.
class lane_state : public std::enable_shared_from_this<lane_state> {
public:
    using executor_type = boost::asio::any_io_executor;

    lane_state(executor_type executor, limit running, std::size_t queue);

    ~lane_state();

    /// Makes the lane known to its executor's context, which closes the lane when it is destroyed.
    void enlist();
    /// Whether an operation with this handler has an executor to complete on: its own, or the
    /// lane's. Not while the context is being destroyed, unless the handler has one.
    template <class Handler>
    bool serves(const Handler& handler) const noexcept
    {
        return has_executor() || brings_executor(handler);
    }
    /// For an operation: looked at only if its handler has no executor.
    const executor_type& fallback() const noexcept { return executor_; }
    /// Queues a job of this context, or ends it. It may be over before this returns.
    void submit(lane_job& j, boost::asio::execution_context& context);
    /// Closes the lane; the job ends when no callable runs any more.
    void submit_close(lane_job& j, boost::asio::execution_context& context);
    /// True: the job was still in a line, `ended` will not be called, and the caller ends it.
    bool withdraw(lane_job& j) noexcept;
    /// The job's context is being destroyed. True: the caller destroys the job. False: its wake-up
    /// is in the context's queue and is destroyed with it.
    bool context_gone(lane_job& j) noexcept;
    /// The job's wake-up was destroyed. True: the caller destroys the job. False: a thread still
    /// has it, and `context_gone` follows.
    bool wake_up_gone(lane_job& j) noexcept;

    void close() noexcept;
    void wait_until_idle();

    executor_type get_executor() const;
    bool is_closed() const;
    std::size_t running() const;
    std::size_t queued() const;

private:
    class executor_guest;
    class posted_run;

    // A job that a thread has taken out of its line and is not done with yet. On that thread's
    // stack.
    struct taken_job : list_node<> {
        lane_job* job = nullptr;
        std::shared_ptr<lane_callers> callers;
    };

    bool has_executor() const noexcept;
    void drop_executor() noexcept;
    void post_run() noexcept;
    void run_next() noexcept;
    void posted_run_destroyed() noexcept;
    bool begin_next(taken_job& t) noexcept;
    bool end_running(taken_job& t) noexcept;
    void end_all(list<lane_job>& line, error_code why) noexcept;
    void add(list<lane_job>& line, lane_job& j) noexcept;
    void take(list<lane_job>& line, taken_job& t) noexcept;
    void done_with(taken_job& t) noexcept;
    bool is_taken(const lane_job& j) const noexcept;
    bool is_over() const noexcept { return closed_ && running_ == 0; }

    const std::size_t limit_;
    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable changed_; // a thread is done with a job
    executor_type executor_;
    list<lane_job> queued_;
    list<lane_job> closing_;
    list<taken_job> taken_;
    std::size_t posted_ = 0; // functions in the executor's queue, or running a job
    std::size_t running_ = 0;
    bool closed_ = false;
    std::unique_ptr<executor_guest> guest_;
};

} // namespace weir::detail
