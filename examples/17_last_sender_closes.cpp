// No coroutine knows that it is the last sender, and none has to: each has an end of the channel.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>

namespace asio = boost::asio;

asio::awaitable<void> measure(weir::channel_sender<int> readings, int sensor)
{
    const auto executor = co_await asio::this_coro::executor;
    for (int i = 0; i < sensor; ++i) {
        co_await weir::async_sleep_for(executor, std::chrono::milliseconds(sensor));
        if (!co_await readings.async_send(sensor))
            break; // no receiver is left
    }
}

asio::awaitable<void> add(weir::channel_receiver<int> readings, int& sum)
{
    while (auto reading = co_await readings.async_receive())
        sum += *reading;
}

int main()
{
    asio::io_context io;
    weir::channel<int> readings(io.get_executor(), 4);
    int sum = 0;
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    asio::co_spawn(io, add(readings.receiver(), sum), rethrow);
    {
        const auto first = readings.sender(); // keeps the channel open while sensors are added
        for (int sensor = 1; sensor <= 3; ++sensor)
            asio::co_spawn(io, measure(first, sensor), rethrow);
    }
    io.run(); // ends when the last sensor has: nothing calls `close`
    std::printf("%d\n", sum);
    return sum == 1 + 2 * 2 + 3 * 3 ? 0 : 1;
}
