// Calls that block or compute for long run on threads of their own, away from the runner.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <vector>

namespace asio = boost::asio;

long primes_below(int limit)
{
    long count = 0;
    for (int n = 2; n < limit; ++n) {
        int divisor = 2;
        while (divisor * divisor <= n && n % divisor != 0)
            ++divisor;
        count += divisor * divisor > n ? 1 : 0;
    }
    return count;
}

asio::awaitable<void> count_all(weir::blocking_lane& lane, const std::vector<int>& limits,
                                long& sum)
{
    // Two compute at a time. Up to eight more wait in the lane, where they can be cancelled.
    const auto count = [&](int limit) -> asio::awaitable<void> {
        const auto compute = [limit] { return primes_below(limit); };
        sum += co_await lane.async_run(compute); // rethrows what it throws
    };
    co_await weir::for_each(limits, 10, count);
}

int main()
{
    const std::vector<int> limits{10'000, 20'000, 30'000, 40'000, 50'000};
    long sum = 0;
    weir::blocking_lane lane(2);
    asio::io_context io;
    asio::co_spawn(io, count_all(lane, limits, sum), [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    });
    io.run();
    std::printf("%ld primes below 10,000, 20,000, ... and 50,000 in all\n", sum);
    return sum == 16'072 ? 0 : 1;
}
