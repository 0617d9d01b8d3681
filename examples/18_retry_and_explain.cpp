// Operations that may take 5 ms at most; what failed is tried once more; a look at the pool.
#include <weir/weir.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <set>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int main()
{
    weir::runner_pool runners(1);
    std::set<int> asked; // on the runner
    const auto answer = [&](int number) -> asio::awaitable<int> {
        const bool first_time = asked.insert(number).second;
        if (first_time && number % 2 != 0) // it does not answer
            co_await weir::async_sleep_for(runners.get_executor(), 1h, asio::use_awaitable);
        co_return number* number;
    };
    const auto ask = [&](int number) -> asio::awaitable<int> {
        auto limited = weir::with_timeout(5ms, answer(number));
        co_return co_await std::move(limited);
    };
    weir::pool_options options(4);
    options.keep_jobs();
    weir::worker_pool<int, int> pool(runners, options, ask);

    constexpr int count = 10;
    for (int number = 0; number < count; ++number)
        if (!pool.try_submit(number))
            return 1;
    weir::explain(pool, std::cout);

    int answered = 0, retried = 0;
    while (answered < count) {
        const auto outcome = pool.results().async_receive(asio::use_future).get();
        if (*outcome) {
            ++answered;
        } else {
            ++retried;
            if (!pool.try_submit(*outcome->job<int>()))
                return 1;
        }
    }
    std::printf("%d answers, %d of them at the second attempt\n", answered, retried);
    return pool.drain_and_wait(1s).clean() && retried == count / 2 ? 0 : 1;
}
