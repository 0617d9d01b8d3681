// A pool with a timeout. On SIGTERM it drains for 20 ms, and reports what it did not finish.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using pool_type = weir::worker_pool<int, int>;

asio::awaitable<void> submit(pool_type& pool)
{
    for (int milliseconds : {1, 2, 10'000, 3, 60'000})
        if (!co_await pool.async_submit(milliseconds))
            co_return; // closed: the job is handed back
    co_await weir::async_sleep_for(pool.get_executor(), 50ms);
    std::raise(SIGTERM); // as an operator would
}

asio::awaitable<void> drain(pool_type& pool, weir::shutdown_signals& signals, bool& complete)
{
    const weir::drain_report report = co_await pool.drain(20ms);
    complete = report.complete;
    for (const auto& job : report.unfinished)
        std::printf("job %lu: %s\n", static_cast<unsigned long>(job.id), to_string(job.status));
    signals.cancel();
}

int main()
{
    asio::io_context io(1);
    weir::pool_options options(weir::limit(2));
    options.timeout(100ms).discard_results();
    const auto wait = [&io](int milliseconds) -> asio::awaitable<int> {
        co_await weir::async_sleep_for(io.get_executor(), milliseconds * 1ms);
        co_return milliseconds;
    };
    pool_type pool({io.get_executor()}, options, wait);

    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    bool complete = false;
    weir::cancel_source stopping;
    weir::shutdown_signals signals(io.get_executor(), stopping, [&pool] { pool.stop(); });
    const auto on_stop = [&]() -> asio::awaitable<void> {
        co_await stopping.token().async_wait(io.get_executor());
        co_await drain(pool, signals, complete);
    };
    asio::co_spawn(io, on_stop, rethrow);
    asio::co_spawn(io, submit(pool), rethrow);
    io.run();
    return complete ? 0 : 1;
}
