// A simulated connection: slow, splits data anywhere, and may be lost at any step.
#include <weir/sim/context.hpp>
#include <weir/sim/explore.hpp>
#include <weir/sim/stream.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
namespace sim = weir::sim;
using namespace std::chrono_literals;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> serve(sim::stream& client, int& served)
{
    std::string line;
    co_await asio::async_read_until(client, asio::dynamic_buffer(line), '\n', quietly);
    if (line != "one\n")
        co_return;
    ++served;
    co_await asio::async_write(client, asio::buffer(line), quietly);
}

asio::awaitable<void> ask(sim::stream& server, std::string& answer)
{
    const std::string request = "one\n";
    co_await asio::async_write(server, asio::buffer(request), quietly);
    co_await asio::async_read_until(server, asio::dynamic_buffer(answer), '\n', quietly);
}

// [faults]
void one_request(sim::world& world)
{
    sim::context here(world), there(world); // two machines, one clock
    auto slow = sim::stream_options().delay(1ms, 100ms).chunk(3);
    auto [client, server] = sim::stream_pair(here, there, slow);
    if (world.choose(2) == 1)
        world.at_some_step([&end = client] { end.reset(); });
    int served = 0;
    std::string answer;
    here.spawn([&end = client, &answer] { return ask(end, answer); }, "the client");
    there.spawn([&end = server, &served] { return serve(end, served); }, "the server");
    world.run_to_end(); // throws when either hangs
    if (answer == "one\n" && served != 1)
        throw std::logic_error("answered, and not served");
}
// [/faults]

int main()
{
    const sim::report found = sim::explore(sim::schedules::random(10'000), one_request);
    std::puts(found.text().c_str());
    return found ? 0 : 1;
}
