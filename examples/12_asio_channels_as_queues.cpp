// Asio channels as the queues of a pool: eight workers, of which three do I/O at a time.
#include <weir/weir.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

namespace asio = boost::asio;

template <class T>
using asio_channel = asio::experimental::concurrent_channel<void(weir::error_code, T)>;
using job_channel = asio_channel<int>;
using result_channel = asio_channel<weir::outcome<long>>;
using pool =
    weir::worker_pool<int, long, weir::asio_queue<job_channel>, weir::asio_queue<result_channel>>;
constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<long> work(weir::semaphore& io_limit, int page)
{
    const weir::permit permit = co_await io_limit.async_acquire();
    co_await weir::async_sleep_for(io_limit.get_executor(), std::chrono::milliseconds(1)); // I/O
    co_return long{page} * page;
} // the permit is released here

asio::awaitable<void> feed(job_channel& jobs, pool& workers)
{
    for (int page = 1; page <= 100; ++page) {
        const auto sent = co_await jobs.async_send(weir::error_code(), page, as_tuple);
        if (std::get<0>(sent)) // closed or cancelled
            break;
    }
    workers.close(); // closes both channels when that loses nothing; never close them yourself
}

asio::awaitable<long> collect(result_channel& results, long sum)
{
    for (;;) {
        auto received = co_await results.async_receive(as_tuple);
        if (std::get<0>(received)) // channel_closed: every job has ended
            co_return sum;
        sum += std::get<1>(received).value();
    }
}

int main()
{
    weir::runner_pool runners(2);
    weir::semaphore io_limit(runners.get_executor(), 3);
    job_channel jobs(runners.get_executor(), 16);
    result_channel results(runners.get_executor(), 16);
    const auto handler = [&io_limit](int page) { return work(io_limit, page); };
    pool workers(runners.executors(), weir::pool_options(8), handler, jobs, results);
    auto fed = asio::co_spawn(runners.get_executor(), feed(jobs, workers), asio::use_future);
    auto sum = asio::co_spawn(runners.get_executor(), collect(results, 0), asio::use_future);
    fed.get();
    return sum.get() == 338'350 ? 0 : 1;
}
