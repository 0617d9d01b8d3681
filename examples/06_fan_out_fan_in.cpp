// Eight calls at a time fan out over a range. A channel brings their results back together.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <numeric>
#include <vector>

namespace asio = boost::asio;

asio::awaitable<void> fan_out(const std::vector<int>& numbers, weir::channel<int>& squares)
{
    const auto square = [&squares](int n) -> asio::awaitable<void> {
        co_await weir::async_sleep_for(squares.get_executor(), std::chrono::milliseconds(1));
        const auto sent = co_await squares.async_send(n * n);
        if (!sent)
            throw weir::system_error(sent.error());
    };
    co_await weir::for_each(numbers, 8, square); // a sliding window; the first error stops it
    squares.close();
}

asio::awaitable<void> fan_in(weir::channel<int>& squares, long& sum)
{
    while (auto square = co_await squares.async_receive()) // like Go's `for range`
        sum += *square;
}

int main()
{
    std::vector<int> numbers(100);
    std::iota(numbers.begin(), numbers.end(), 1);
    long sum = 0;

    asio::io_context io;
    weir::channel<int> squares(io.get_executor(), 16);
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    asio::co_spawn(io, fan_out(numbers, squares), rethrow);
    asio::co_spawn(io, fan_in(squares, sum), rethrow);
    io.run();
    std::printf("the squares of 1 to 100 add up to %ld\n", sum);
    return sum == 338350 ? 0 : 1;
}
