// Five workers run a thousand jobs that block, five at a time, on threads of the pool's own.
#include <weir/weir.hpp>

#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

namespace asio = boost::asio;

int main()
{
    std::atomic<long> sum{0};
    const auto work = [&sum](int value) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        sum += value;
    };
    const auto options = weir::pool_options(5).queue(100).discard_results();
    weir::worker_pool<int, void> jobs(options, work);
    for (int i = 0; i < 1000; ++i)
        if (!jobs.async_submit(i, asio::use_future).get()) // waits while the queue is full
            return 1;

    const weir::drain_report report = jobs.drain_and_wait(std::chrono::seconds(10));
    std::printf("%llu jobs done, sum %ld\n", static_cast<unsigned long long>(report.ledger.ok),
                sum.load());
    return report.clean() && sum == 499500 ? 0 : 1;
}
