// A pool of five workers runs a thousand jobs. `drain` waits until all of them have ended.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>

namespace asio = boost::asio;
using pool = weir::worker_pool<int, void>;

asio::awaitable<weir::drain_report> feed(pool& jobs)
{
    for (int i = 0; i < 1000; ++i)
        if (!co_await jobs.async_submit(i)) // waits while the queue is full
            break;
    co_return co_await jobs.drain(std::chrono::seconds(10));
}

int main()
{
    weir::runner_pool runners; // one thread for each core
    std::atomic<long> sum{0};
    auto options = weir::pool_options(5).queue(100).discard_results();
    pool jobs(runners, options, [&sum](int value) { sum += value; });

    auto done = asio::co_spawn(runners.get_executor(), feed(jobs), asio::use_future);
    const weir::drain_report report = done.get();
    std::printf("%llu jobs done, sum %ld\n", static_cast<unsigned long long>(report.ledger.ok),
                sum.load());
    return report.clean() && sum == 499500 ? 0 : 1;
}
