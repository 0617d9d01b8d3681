// An upload needs one of 4 places, memory for its file, and one of its customer's 2. Taken one
// after the other, some are held while it waits for the rest; here they are taken in one step.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>

namespace asio = boost::asio;

struct uploads {
    explicit uploads(asio::any_io_executor executor) : all_(executor, limits_.per_key(2)) {}

    asio::awaitable<void> upload(int customer, int size)
    {
        auto need = weir::admission_request<int>().take(place_).take(memory_, 40).key(customer);
        auto pass = co_await all_.async_acquire(need);
        pass.split(memory_, 40 - size).release(); // 40 was the most it may be
        co_await weir::async_sleep_for(all_.get_executor(), std::chrono::milliseconds(size));
    } // the rest goes back here

    weir::admission_limits limits_;
    weir::admission_count place_ = limits_.count(4), memory_ = limits_.count(100);
    weir::admission<int> all_;
};

int main()
{
    asio::io_context io;
    uploads service(io.get_executor());
    int done = 0;
    for (int i = 0; i < 20; ++i)
        asio::co_spawn(io, service.upload(i % 3, 1 + i), [&](std::exception_ptr e) { done += !e; });
    io.run();
    std::printf("%d uploads\n", done);
    return done == 20 ? 0 : 1;
}
