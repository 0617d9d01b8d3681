// The bodies of uploads take no more than 64 MB together, however large each of them is.
#include <weir/sim/context.hpp>
#include <weir/weir.hpp>

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <cstddef>

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::size_t megabyte = 1 << 20;

int main()
{
    weir::sim::world world(1); // virtual time
    weir::sim::context context(world);
    std::size_t most = 0, stored = 0, refused = 0;
    // [upload]
    weir::semaphore bytes(context.get_executor(), 64 * megabyte);
    const auto upload = [&](std::size_t size) -> asio::awaitable<void> {
        const auto got = co_await bytes.async_acquire(size, asio::as_tuple(asio::use_awaitable));
        const auto& [error, room] = got;
        if (error == weir::errc::too_large) // than all there is: 413, instead of waiting forever
            ++refused;
        if (error)
            co_return;
        // here the body is read, kept, and stored elsewhere
        most = std::max(most, bytes.in_use());
        co_await weir::async_sleep_for(context.get_executor(), 1s);
        ++stored;
    };
    // [/upload]
    for (std::size_t i = 1; i <= 100; ++i)
        context.spawn([&, i] { return upload(i * megabyte); });
    world.run_to_end();
    return stored == 64 && refused == 36 && most <= 64 * megabyte ? 0 : 1;
}
