#pragma once

#include <weir/run/runner_pool_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace weir {

/// Threads, each running its own `io_context`: what work runs on. How much runs at a time is for a
/// pool or a semaphore to limit.
///
/// Shape: a coroutine stays on the runner where it began, and so do its sockets. Jobs cross runners
///        as values in a channel. The contexts are the pool's own, or yours. Nothing in weir needs
///        a runner pool: every executor will do that belongs to an `io_context` which one thread
///        runs, or is a strand; so will `io.run()` in `main`.
/// Units: as `runner_pool_options` says.
/// Errors: an exception that leaves a handler goes to `on_error`, and the runner goes on. Without
///         an `on_error` it ends the program (`std::terminate`), as on any thread: no error is
///         swallowed.
/// Threads: safe from any thread, but `join` and the destructor must not be called on a runner.
/// Lifetime: the destructor stops and joins. The pool's own contexts live until then, so whatever
///           refers to their executors may go first. Contexts of yours outlive the pool. It leaves
///           them stopped and does not destroy what is queued in them; run them again, or destroy
///           them. Do not run or stop them while the pool has them. A
///           `worker_pool` or `task_pool` over them counts on one thread each, and ends before the
///           runner pool.
class runner_pool {
public:
    using executor_type = boost::asio::io_context::executor_type;

    /// One runner per processor; 1 when their number is unknown.
    static std::size_t default_size() noexcept;

    /// With contexts of its own.
    ///
    /// Errors: throws `std::invalid_argument` for zero runners; `std::system_error` when a thread
    ///         cannot be started or pinned (the message names the core);
    ///         `boost::system::system_error` when the process cannot open enough descriptors for
    ///         its contexts (on Linux each takes three, with its first timer or socket). Nothing
    ///         has run then.
    explicit runner_pool(const runner_pool_options& options);
    explicit runner_pool(std::size_t runners = default_size());
    /// Over contexts of yours, with one thread for each. Also throws `std::invalid_argument` for a
    /// null pointer, and for a context that is given twice.
    explicit runner_pool(const std::vector<boost::asio::io_context*>& contexts,
                         const runner_pool_options& options = runner_pool_options());
    runner_pool(const runner_pool&) = delete;
    runner_pool& operator=(const runner_pool&) = delete;
    ~runner_pool();

    std::size_t size() const noexcept { return runners_.size(); }
    /// The executor of one runner. Throws `std::out_of_range` from `size()` on.
    executor_type executor(std::size_t index) const;
    /// The executor of the next runner, each in turn.
    executor_type get_executor() noexcept;
    /// The executors of all runners.
    std::vector<boost::asio::any_io_executor> executors() const;

    /// Waits until no runner has any handler to run or any operation under way. Throws
    /// `std::logic_error` when called on a runner.
    void join();

    /// Makes every runner return after its present handler. What is queued or waits is destroyed
    /// with its context, without being resumed.
    void stop() noexcept;

    /// Whether the calling thread is one of the runners.
    bool running_in_this_thread() const noexcept;

private:
    struct runner;
    enum class start { not_yet, go, failed };

    void start_threads(const runner_pool_options& options);
    void run(runner& r) noexcept;
    std::size_t work(runner& r) noexcept;
    std::size_t poll(runner& r) noexcept;
    template <class Step>
    std::size_t drive(Step step) noexcept;
    bool all_idle(runner& r) noexcept;
    void new_round() noexcept;
    void join_threads() noexcept;

    const runner_pool_options::error_sink on_error_;
    const duration poll_first_;
    std::vector<std::unique_ptr<runner>> runners_;
    std::atomic<std::size_t> next_{0};
    std::atomic<start> start_{start::not_yet};
    std::atomic<bool> stopping_{false};
    std::mutex idle_mutex_;
    std::uint64_t round_ = 1;
    std::size_t idle_ = 0; // runners found idle in this round
};

} // namespace weir
