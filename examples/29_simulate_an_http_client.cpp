// Your code with an HTTP client in it, in virtual time. The server may be lost at any step.
#include <weir/http/client.hpp>
#include <weir/http/simulated_network.hpp>
#include <weir/sim/explore.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <cstdio>
#include <stdexcept>

namespace asio = boost::asio;
namespace http = weir::http;
namespace sim = weir::sim;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> serve(std::shared_ptr<sim::stream> end, int& served)
{
    std::string request;
    co_await asio::async_read_until(*end, asio::dynamic_buffer(request), "\r\n\r\n", quietly);
    ++served;
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
    co_await asio::async_write(*end, asio::buffer(answer), quietly);
}

void one_question(sim::world& world)
{
    sim::context here(world), there(world);
    sim::network network(world);
    int served = 0;
    const auto accept = [&](sim::stream end) {
        const auto kept = std::make_shared<sim::stream>(std::move(end));
        there.spawn([&served, kept] { return serve(kept, served); }, "the server");
        if (world.choose(2) == 1)
            world.at_some_step([kept] { kept->reset(); });
    };
    network.add_server({asio::ip::make_address("192.0.2.1"), 80}, there, accept);
    bool open = false;
    // [customer]
    const auto customer = [&]() -> asio::awaitable<void> {
        const auto lines = std::make_shared<http::simulated_network>(here, network);
        http::client client(here.get_executor(), http::client_options(), lines);
        const http::response answer = co_await client.async_get("http://192.0.2.1/open");
        open = answer.body == "yes";
    };
    // [/customer]
    here.spawn(customer, "the customer");
    world.run_to_end(); // throws when either hangs
    if (open && served != 1)
        throw std::logic_error("nobody was asked");
}

int main()
{
    const sim::report found = sim::explore(sim::schedules::delayed(2), one_question);
    std::puts(found.text().c_str());
    return found ? 0 : 1;
}
