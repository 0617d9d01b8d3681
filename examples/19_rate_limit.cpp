// The far side allows 200 requests a second: others wait in line, instead of being answered 429.
// No customer may bring more than 5 at once, and one a second.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>

namespace asio = boost::asio;

asio::awaitable<void> request(weir::rate_limiter& all, weir::keyed_rate_limiter<int>& each,
                              int customer, int& sent)
{
    if (!each.try_acquire(customer))
        co_return; // tell this customer to come again later; the others do not notice
    co_await all.async_acquire();
    ++sent;
}

int main()
{
    asio::io_context io;
    weir::rate_limiter all(io.get_executor(), weir::rate::per_second(200), 10);
    weir::keyed_rate_limiter<int> each(io.get_executor(), weir::rate::per_second(1), 5);
    int sent = 0;
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    const auto begin = weir::now(io.get_executor());
    for (int i = 0; i < 100; ++i) // two thirds of them from one customer
        asio::co_spawn(io, request(all, each, i % 3 == 0 ? 1 + i % 10 : 0, sent), rethrow);
    io.run();
    const std::chrono::duration<double> took = weir::now(io.get_executor()) - begin;
    std::printf("%d requests in %.2f s\n", sent, took.count()); // 10 at once, and then 200 a second
    return sent >= 39 && took.count() >= (sent - 10) / 200.0 ? 0 : 1;
}
