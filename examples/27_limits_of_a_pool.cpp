// A pool with limits for each customer, a rate, and retries, in place of code around each job.
#include <weir/weir.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>

using namespace std::chrono_literals;

struct upload {
    int attempts = 0;
};

int main()
{
    // [limits]
    auto options = weir::pool_options(8);
    options.per_key(2).key_share(0.5); // of each customer: 2 run, and half of the places are taken
    options.rate(weir::rate::per_second(1000), 10);
    options.retry(weir::retry_policy(3).backoff(weir::backoff(1ms, 10ms)));
    // [/limits]
    options.discard_results().inline_on_runners();
    weir::worker_pool<upload, int> pool(options, [](upload& job) {
        if (++job.attempts < 2) // each meets a hiccup once
            throw std::runtime_error("connection reset");
        return job.attempts;
    });
    int refused = 0;
    for (int i = 0; i < 600; ++i)
        refused += pool.try_submit({}, weir::job_options().key("big")) ? 0 : 1;
    const auto small = pool.try_submit({}, weir::job_options().key("small")); // has its place
    const auto report = pool.drain_and_wait(30s);
    const auto l = pool.ledger();
    std::printf("%d refused; %zu of %zu succeeded\n", refused, l.ok, l.accepted);
    return report.clean() && small && refused > 0 && l.ok == l.accepted && l.retries == l.ok ? 0
                                                                                             : 1;
}
