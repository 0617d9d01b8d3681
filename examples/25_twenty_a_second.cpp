// 400 jobs for an origin that allows 20 requests a second, and answers 429 to all beyond that.
#include <weir/sim/context.hpp>
#include <weir/weir.hpp>

#include <boost/asio/error.hpp>

#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int main()
{
    weir::sim::world world(1); // virtual time
    weir::sim::context context(world);
    const auto here = context.get_executor();
    weir::rate_limiter origin(here, weir::rate::per_second(20), 20);
    (void)origin.try_acquire(20); // others have just been there
    int refused = 0;
    const weir::retry_policy policy(3);
    // [attempt]
    weir::keyed_semaphore<std::string> hosts(here, 4);
    weir::rate_limiter rate(here, weir::rate::per_second(20), 1);
    const auto attempt = [&](weir::this_attempt& self) -> asio::awaitable<void> {
        const auto place = co_await hosts.async_acquire("api"); // first, for it may be held
        co_await rate.async_acquire();
        if (origin.try_acquire()) // stands for the request
            co_return;
        ++refused; // 429, and Retry-After: 1
        (void)hosts.hold("api", world.now() + 1s);
        self.failed(asio::error::try_again);
    };
    // [/attempt]
    for (int i = 0; i < 400; ++i)
        context.spawn(
            [&]() -> asio::awaitable<void> { co_await weir::async_retry(policy, attempt); });
    world.run_to_end(); // throws what a job threw
    const bool in_time = world.now() - world.began() < 400s / 20 / 0.9;
    return in_time && refused < 20 ? 0 : 1; // one of 401 requests is refused
}
