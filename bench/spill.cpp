// Three million URLs of a host that accepts connections and says nothing: what they cost in memory
// and time on their way into the file and out of it. Network and clock are simulated, the file is
// not.
#include <weir/http/fetcher.hpp>
#include <weir/http/simulated_network.hpp>
#include <weir/http/spill_options.hpp>
#include <weir/run/blocking_lane.hpp>
#include <weir/sim/context.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/world.hpp>

#include "support/memory.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
namespace sim = weir::sim;

namespace {

class watch {
public:
    void say(const char* what, std::uint64_t spilled)
    {
        const std::clock_t now = std::clock();
        std::printf("%-28s %6.2f s of CPU, %4.0f MB in memory, %4.0f MB in the file\n", what,
                    double(now - began_) / CLOCKS_PER_SEC, bench::resident_bytes() / 1e6,
                    double(spilled) / 1e6);
        began_ = now;
    }

private:
    std::clock_t began_ = std::clock();
};

} // namespace

int main(int count, char** arguments)
{
    const std::uint64_t urls = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 3'000'000;
    sim::world world(1);
    world.limit_steps(std::numeric_limits<std::size_t>::max());
    sim::context here(world), there(world);
    sim::network network(world);
    std::vector<sim::stream> mute;
    network.add_server({asio::ip::make_address("192.0.2.1"), 80}, there,
                       [&mute](sim::stream end) { mute.push_back(std::move(end)); });
    http::fetcher_options options;
    options.spill(
        http::spill_options().lane(std::make_shared<weir::blocking_lane>(here.get_executor(), 1)));
    http::fetcher fetcher(here.get_executor(), options, nullptr,
                          std::make_shared<http::simulated_network>(here, network));
    watch time;
    std::uint64_t taken = 0, told = 0;
    bool in_order = true;
    const auto source = [&]() -> asio::awaitable<std::optional<std::string>> {
        if (taken != urls)
            co_return "http://192.0.2.1/some/path/to/a/page/" + std::to_string(taken++);
        time.say("taken in", fetcher.counts().spilled);
        fetcher.stop();
        co_return std::nullopt;
    };
    std::uint64_t last = 1; // the first one is being fetched
    const auto sink = [&](http::fetch_result result) -> asio::awaitable<void> {
        ++told;
        if (result.status == weir::status::dropped)
            in_order = in_order && result.id == ++last;
        co_return;
    };
    time.say("at the beginning", 0);
    here.spawn([&]() -> asio::awaitable<void> { return fetcher.run(source, sink); });
    world.run();
    time.say("told that they never began", fetcher.counts().spilled);
    const bool all = told == urls && last == urls && in_order;
    std::printf("%llu results, %s\n", static_cast<unsigned long long>(told),
                all ? "each once and in order" : "NOT each once and in order");
    return all ? 0 : 1;
}
