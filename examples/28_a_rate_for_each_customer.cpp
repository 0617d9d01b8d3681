// The server of each customer gets 5 messages at once and 2 a second, however many there are for
// it. What is more waits in a line of that customer; messages for others do not notice.
#include <weir/sim/context.hpp>
#include <weir/weir.hpp>

#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int main()
{
    weir::sim::world world(1); // virtual time
    weir::sim::context context(world);
    const auto here = context.get_executor();
    int sent = 0, sent_at_once = 0;
    weir::keyed_rate_limiter<std::string> each(here, weir::rate::per_second(2), 5);
    const auto deliver = [&](std::string customer) -> asio::awaitable<void> {
        co_await each.async_acquire(customer);
        ++sent; // stands for the message
        sent_at_once += world.now() == world.began() ? 1 : 0;
    };
    for (int i = 0; i < 100; ++i)
        context.spawn([&] { return deliver("big"); });
    for (const char* small : {"a", "b", "c"}) // they come last
        context.spawn([&, small] { return deliver(small); });
    world.run_to_end();
    const bool in_time = world.now() - world.began() == (100 - 5) * 500ms;
    return sent == 103 && sent_at_once == 5 + 3 && in_time ? 0 : 1;
}
