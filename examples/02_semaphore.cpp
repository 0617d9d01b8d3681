// Twenty coroutines, and a semaphore that lets four of them work at a time.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>

namespace asio = boost::asio;

int now_inside = 0;
int most_inside = 0;

asio::awaitable<void> work(weir::semaphore& limit)
{
    const weir::permit permit = co_await limit.async_acquire();
    most_inside = std::max(most_inside, ++now_inside);
    co_await weir::async_sleep_for(limit.get_executor(), std::chrono::milliseconds(5));
    --now_inside;
} // the permit is released here, however this function ends

int main()
{
    asio::io_context io;
    weir::semaphore limit(io.get_executor(), 4);
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    for (int i = 0; i < 20; ++i)
        asio::co_spawn(io, work(limit), rethrow);
    io.run();
    std::printf("at most %d of 20 at a time\n", most_inside);
    return most_inside == 4 ? 0 : 1;
}
