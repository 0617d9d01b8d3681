#pragma once

#include <weir/run/runner_pool_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace weir {

/// A number of runners: one `io_context` run by one thread each. What work runs on; not how much of
/// it at a time, which is a pool's or a semaphore's to say.
///
/// Shape: a coroutine stays on the runner where it began, and so do its sockets. Jobs cross runners
///        as values in a channel. The contexts are the pool's own, or yours. Nothing in weir needs
///        a runner pool: whatever takes an executor takes that of any `io_context` which one thread
///        runs, or a strand; `io.run()` in `main` will do.
/// Units: as `runner_pool_options` says.
/// Errors: an exception that leaves a handler goes to `on_error`, and the runner goes on. Without a
///         sink it ends the program (`std::terminate`), as from any thread: an error is never
///         swallowed.
/// Threads: safe from any thread, but for `join` and the destructor: from a thread that is no
///          runner.
/// Lifetime: the destructor stops and joins. The pool's contexts live until then, so anything that
///           refers to their executors may go first. Contexts of yours outlive the pool, which does
///           not destroy what is left in them: it leaves them stopped, to be restarted and run
///           again, or destroyed. While the pool has them, nobody else runs or stops them.
class runner_pool {
public:
    using error_sink = runner_pool_options::error_sink;
    using executor_type = boost::asio::io_context::executor_type;

    static std::size_t default_size() noexcept;

    /// Throws `std::invalid_argument` for no runners; `std::system_error` when a thread cannot be
    /// started, or pinned (the message says to which core); `boost::system::system_error` when the
    /// process has not the descriptors free that its contexts will take (on Linux three each, with
    /// the first timer or socket there). Nothing has run then.
    explicit runner_pool(const runner_pool_options& options);
    explicit runner_pool(std::size_t runners = default_size(), error_sink on_error = nullptr);
    /// Over contexts of yours, a thread for each. Throws `std::invalid_argument` also for a null
    /// pointer, and for one that is there twice.
    explicit runner_pool(const std::vector<boost::asio::io_context*>& contexts,
                         const runner_pool_options& options = runner_pool_options());
    runner_pool(const runner_pool&) = delete;
    runner_pool& operator=(const runner_pool&) = delete;
    ~runner_pool();

    std::size_t size() const noexcept { return runners_.size(); }
    executor_type executor(std::size_t index) const;
    /// A runner's executor, each in turn.
    executor_type get_executor() noexcept;
    std::vector<boost::asio::any_io_executor> executors() const;

    /// Waits until no runner has anything left to do: no handler, no operation under way, on any of
    /// them. Throws `std::logic_error` on a runner's own thread.
    void join();

    /// Every runner returns after the handler it is in. What is queued or waits is destroyed with
    /// its context, without being resumed.
    void stop() noexcept;

    bool running_in_this_thread() const noexcept;

private:
    struct runner {
        explicit runner(std::unique_ptr<boost::asio::io_context> made);
        explicit runner(boost::asio::io_context& yours);

        const std::unique_ptr<boost::asio::io_context> own;
        boost::asio::io_context& context;
        boost::asio::executor_work_guard<executor_type> work;
        std::thread thread;
        std::uint64_t idle_in_round = 0;
    };

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

    const error_sink on_error_;
    const duration poll_first_;
    std::vector<std::unique_ptr<runner>> runners_;
    std::atomic<std::size_t> next_{0};
    std::atomic<start> start_{start::not_yet};
    std::atomic<bool> stopping_{false};
    std::mutex idle_mutex_;
    std::uint64_t round_ = 1;
    std::size_t idle_ = 0; // how many were found idle in this round
};

} // namespace weir
