// A host that is down is not called any more, and its callers do not wait. The others go on.
#include <weir/sim/context.hpp>
#include <weir/weir.hpp>

#include <boost/asio/error.hpp>

#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int main()
{
    weir::sim::world world(1); // virtual time
    weir::sim::context context(world);
    int calls = 0, refused = 0;
    const auto get = [&](std::string host) -> asio::awaitable<void> {
        ++calls;
        co_await weir::async_sleep_for(context.get_executor(), 3s);
        if (host == "down")
            throw weir::system_error(asio::error::timed_out);
    };
    // [ask]
    weir::breaker<std::string> hosts; // opens when 10 of the last 20 calls have failed
    const auto ask_often = [&](std::string host) -> asio::awaitable<void> {
        for (int i = 0; i < 100; ++i)
            try {
                auto guarded = weir::with_breaker(hosts, host, get(host));
                co_await std::move(guarded);
            } catch (const weir::system_error& e) {
                refused += e.code() == weir::errc::breaker_open; // at once, for ten seconds
            }
    };
    // [/ask]
    context.spawn([&] { return ask_often("down"); });
    context.spawn([&] { return ask_often("up"); });
    world.run_to_end();
    return calls == 110 && refused == 90 ? 0 : 1;
}
