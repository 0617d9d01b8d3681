// Operations that may take 5 ms at most; what failed is tried once more, and a look at the pool.
#include <weir/weir.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <mutex>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// A server that does not answer the first time it is asked for an odd number.
class server {
public:
    asio::awaitable<int> ask(int number)
    {
        const auto executor = co_await asio::this_coro::executor;
        if (is_first(number) && number % 2 != 0)
            co_await weir::async_sleep_for(executor, 1h, asio::use_awaitable);
        co_return number* number;
    }

private:
    bool is_first(int number)
    {
        std::lock_guard lock(mutex_);
        return ++asked_[number] == 1;
    }

    std::mutex mutex_;
    std::map<int, int> asked_;
};

int main()
{
    server backend;
    const auto ask = [&backend](int number) -> asio::awaitable<int> {
        auto answer = weir::with_timeout(5ms, backend.ask(number));
        co_return co_await std::move(answer);
    };
    weir::pool_options options(4);
    options.keep_jobs();
    weir::worker_pool<int, int> pool(options, ask); // on threads of its own

    constexpr int count = 10;
    for (int number = 0; number < count; ++number)
        if (!pool.try_submit(number))
            return 1;
    weir::explain(pool, std::cout);

    int answered = 0, retried = 0;
    while (answered < count) {
        auto outcome = pool.results().async_receive(asio::use_future).get();
        if (!outcome)
            return 1;
        if (outcome->status() == weir::status::ok) {
            ++answered;
        } else if (const int* number = outcome->job<int>(); number != nullptr) {
            ++retried;
            if (!pool.try_submit(*number))
                return 1;
        }
    }
    std::printf("%d answers, %d of them at the second attempt\n", answered, retried);
    return pool.drain_and_wait(1s).clean() && retried == count / 2 ? 0 : 1;
}
