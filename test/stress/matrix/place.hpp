#pragma once

#include <weir/run/runner_pool.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace weir::test {

/// The executors on which a program may put a primitive or a handler.
enum class executor_kind {
    io_context,
    strand,        ///< over an `io_context`
    erased_strand, ///< over an `any_io_executor` of an `io_context`
    custom,        ///< a type of the program's own, over an `io_context`
    runner,        ///< of a `runner_pool`
    runner_strand,
    pool, ///< an `asio::thread_pool`
    pool_strand,
    erased_pool_strand,
};

inline constexpr std::array executor_kinds{
    executor_kind::io_context, executor_kind::strand,      executor_kind::erased_strand,
    executor_kind::custom,     executor_kind::runner,      executor_kind::runner_strand,
    executor_kind::pool,       executor_kind::pool_strand, executor_kind::erased_pool_strand,
};

inline const char* name_of(executor_kind kind)
{
    constexpr std::array names{
        "io_context", "strand",      "erased_strand",      "custom", "runner", "runner_strand",
        "pool",       "pool_strand", "erased_pool_strand",
    };
    return names[static_cast<std::size_t>(kind)];
}

/// An executor as a program may write one: it notes what runs on it.
class custom_executor {
public:
    explicit custom_executor(boost::asio::io_context::executor_type inner)
        : inner_(boost::asio::require(inner, boost::asio::execution::blocking.never))
    {
    }

    template <class Function>
    void execute(Function&& function) const
    {
        inner_.execute([own = std::forward<Function>(function)]() mutable {
            struct running {
                running() { ++depth; }
                ~running() { --depth; }
            };
            const running here;
            std::move(own)();
        });
    }

    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept
    {
        return inner_.context();
    }
    static constexpr boost::asio::execution::blocking_t::never_t
    query(boost::asio::execution::blocking_t) noexcept
    {
        return boost::asio::execution::blocking.never;
    }
    bool running_in_this_thread() const { return depth != 0; }

    friend bool operator==(const custom_executor&, const custom_executor&) = default;

private:
    static inline thread_local int depth = 0;
    using never_blocking =
        decltype(boost::asio::require(std::declval<boost::asio::io_context::executor_type>(),
                                      boost::asio::execution::blocking.never));
    never_blocking inner_;
};

/// An executor that runs everything in place, for handlers only: it is no `any_io_executor`.
struct inline_executor {
    template <class Function>
    void execute(Function&& function) const
    {
        std::forward<Function>(function)();
    }
    friend bool operator==(const inline_executor&, const inline_executor&) = default;
};

/// An execution context, the threads that run it, and one executor of it. With no threads, `poll`
/// runs it.
class place {
public:
    place(executor_kind kind, unsigned threads) { make(kind, threads); }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

    ~place()
    {
        runners_.reset();
        if (pool_) {
            pool_->stop();
            pool_->join();
        }
        if (io_)
            io_->stop();
        for (std::thread& each : threads_)
            each.join();
        // A strand must not outlive its context.
        running_here_ = nullptr;
        executor_ = nullptr;
    }

    boost::asio::any_io_executor executor() const { return executor_; }
    bool running_here() const { return running_here_(); }
    bool has_threads() const noexcept { return pool_ || runners_ || !threads_.empty(); }

    /// Runs what is ready, and not for ever where something is always ready: an operation that
    /// fails and waits for less time than that takes.
    void poll()
    {
        if (has_threads())
            return;
        io_->restart();
        for (int n = 0; n < 1000 && io_->poll_one() != 0;)
            ++n;
    }

private:
    template <class Executor>
    void use(const Executor& executor)
    {
        executor_ = executor;
        running_here_ = [executor] { return executor.running_in_this_thread(); };
    }

    void make(executor_kind kind, unsigned threads)
    {
        namespace asio = boost::asio;
        const bool on_pool = kind >= executor_kind::pool;
        const bool on_runner =
            kind == executor_kind::runner || kind == executor_kind::runner_strand;
        if (on_pool)
            pool_.emplace(threads);
        else
            io_.emplace();
        if (on_runner)
            runners_.emplace(std::vector<asio::io_context*>{&*io_});
        switch (kind) {
        case executor_kind::io_context:
        case executor_kind::runner:
            use(io_->get_executor());
            break;
        case executor_kind::strand:
        case executor_kind::runner_strand:
            use(asio::make_strand(*io_));
            break;
        case executor_kind::erased_strand:
            use(asio::make_strand(asio::any_io_executor(io_->get_executor())));
            break;
        case executor_kind::custom:
            use(custom_executor(io_->get_executor()));
            break;
        case executor_kind::pool:
            use(pool_->get_executor());
            break;
        case executor_kind::pool_strand:
            use(asio::make_strand(*pool_));
            break;
        case executor_kind::erased_pool_strand:
            use(asio::make_strand(asio::any_io_executor(pool_->get_executor())));
            break;
        }
        if (on_pool || on_runner || threads == 0)
            return;
        for (unsigned i = 0; i < threads; ++i)
            threads_.emplace_back([this] {
                const auto work = asio::make_work_guard(*io_);
                io_->run();
            });
    }

    std::optional<boost::asio::io_context> io_;
    std::optional<boost::asio::thread_pool> pool_;
    std::optional<runner_pool> runners_;
    std::vector<std::thread> threads_;
    boost::asio::any_io_executor executor_;
    std::function<bool()> running_here_;
};

} // namespace weir::test
