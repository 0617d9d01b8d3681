#pragma once

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
///        as values in a channel.
/// Units: `runners` from 1; default `std::thread::hardware_concurrency()` (1 when that is unknown),
///        for more threads than cores only take turns.
/// Errors: an exception that leaves a handler goes to `on_error`, and the runner goes on. Without a
///         sink it ends the program (`std::terminate`), as from any thread: an error is never
///         swallowed.
/// Threads: safe from any thread, but for `join` and the destructor: from a thread that is no
///          runner.
/// Lifetime: the destructor stops and joins. Contexts live until then, so anything that refers to
///           their executors may go first.
class runner_pool {
public:
    /// Called on the runner's thread. Must not throw.
    using error_sink = std::function<void(std::exception_ptr)>;
    using executor_type = boost::asio::io_context::executor_type;

    static std::size_t default_size() noexcept;

    /// Throws `std::invalid_argument` for no runners, `std::system_error` when a thread cannot be
    /// started (those already started are stopped).
    explicit runner_pool(std::size_t runners = default_size(), error_sink on_error = nullptr);
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
    /// the pool, without being resumed.
    void stop() noexcept;

    bool running_in_this_thread() const noexcept;

private:
    struct runner {
        boost::asio::io_context context{1};
        boost::asio::executor_work_guard<executor_type> work{context.get_executor()};
        std::thread thread;
        std::uint64_t idle_in_round = 0;
    };

    void run(runner& r) noexcept;
    template <class Step>
    std::size_t drive(Step step) noexcept;
    bool all_idle(runner& r) noexcept;
    void new_round() noexcept;
    void join_threads() noexcept;

    error_sink on_error_;
    std::vector<std::unique_ptr<runner>> runners_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> stopping_{false};
    std::mutex idle_mutex_;
    std::uint64_t round_ = 1;
    std::size_t idle_ = 0; // how many were found idle in this round
};

} // namespace weir
