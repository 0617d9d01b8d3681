// A million items, eight calls at a time, results in order. The first error ends it.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;

asio::awaitable<long> square(int n)
{
    const auto executor = co_await asio::this_coro::executor;
    co_await weir::async_sleep_for(executor, std::chrono::milliseconds(n % 3)); // some take longer
    if (n == 100)
        throw std::runtime_error("a hundred is too large");
    co_return long{n} * n;
}

asio::awaitable<void> print_squares(int& seen)
{
    std::vector<int> numbers(1'000'000);
    std::iota(numbers.begin(), numbers.end(), 1);
    // A number is read from the range only when there is room for its call.
    auto squares = weir::map(numbers, 8, square);
    try {
        while (auto next = co_await squares.next()) {
            ++seen;
            std::printf("%d: %ld\n", seen, *next);
        }
    } catch (const std::runtime_error& error) { // thrown after the 99 results before it
        std::printf("%s\n", error.what());
    }
}

int main()
{
    int seen = 0;
    asio::io_context io;
    asio::co_spawn(io, print_squares(seen), [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    });
    io.run();
    return seen == 99 ? 0 : 1;
}
