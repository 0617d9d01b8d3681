// An answer of 429 pauses all callers of that host; then one goes first, and the others follow.
#include <weir/sim/context.hpp>
#include <weir/weir.hpp>

#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using hosts = weir::keyed_semaphore<std::string>;

asio::awaitable<int> get(asio::any_io_executor executor, weir::time_point back_at)
{
    co_await weir::async_sleep_for(executor, 100ms);
    co_return weir::now(executor) < back_at ? 429 : 200;
}

// [call]
asio::awaitable<void> call(hosts& all, std::string host, weir::time_point back_at, int& refused)
{
    for (;;) {
        const auto place = co_await all.async_acquire(host); // waits while the host is held
        if (co_await get(all.get_executor(), back_at) == 200)
            co_return; // its place is released; if it went first after a hold, the others follow
        ++refused;
        (void)all.hold(host, weir::now(all.get_executor()) + 5s); // what Retry-After said
    }
}
// [/call]

int main()
{
    weir::sim::world world(1); // virtual time
    weir::sim::context context(world);
    hosts all(context.get_executor(), 4);
    int refused = 0;
    for (int i = 0; i < 100; ++i)
        context.spawn([&] { return call(all, "api", world.began() + 8s, refused); });
    world.run_to_end();
    return refused == 5 ? 0 : 1; // of 100: the first four, and the one that went first afterwards
}
