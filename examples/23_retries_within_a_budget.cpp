// Retries that do not double the load of a service that is down: they share a budget.
#include <weir/sim/context.hpp>
#include <weir/weir.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>

#include <chrono>
#include <cstdio>
#include <memory>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int main()
{
    weir::sim::world world(1); // virtual time
    weir::sim::context context(world);
    int calls = 0, failed = 0;
    const auto call = [&]() -> asio::awaitable<int> { // the service is down
        ++calls;
        co_await weir::async_sleep_for(context.get_executor(), 10ms);
        throw weir::system_error(asio::error::connection_refused);
    };
    // [policy]
    weir::retry_policy policy(3); // attempts
    policy.backoff(weir::backoff(100ms, 10s));
    policy.budget(std::make_shared<weir::sliding_retry_budget>()); // one for all that call it
    const auto job = [&]() -> asio::awaitable<void> {
        const auto ended =
            co_await weir::async_retry(policy, call, asio::as_tuple(asio::use_awaitable));
        failed += std::get<0>(ended) ? 1 : 0;
    };
    // [/policy]
    for (int i = 0; i < 100; ++i)
        context.spawn(job);
    world.run_to_end();
    std::printf("100 jobs, %d calls\n", calls); // without a budget: 300
    return calls == 110 && failed == 100 ? 0 : 1;
}
