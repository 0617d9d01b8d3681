// A limit for each tenant, and one for all: a tenant with much work does not keep others waiting.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

namespace asio = boost::asio;

// [serve]
asio::awaitable<void> serve(weir::keyed_semaphore<std::string>& tenants, std::string tenant)
{
    const auto place = co_await tenants.async_acquire(tenant); // no wide place before its own
    co_await weir::async_sleep_for(tenants.get_executor(), std::chrono::milliseconds(5));
} // both places are released here
// [/serve]

int main()
{
    asio::io_context io;
    weir::keyed_semaphore<std::string> tenants(io.get_executor(), 2, 8); // of each, and of all
    std::string order;
    const auto request = [&](std::string tenant) -> asio::awaitable<void> {
        co_await serve(tenants, tenant);
        order += tenant;
    };
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    for (const char* tenant : {"B", "B", "B", "B", "B", "B", "s"}) // the small one comes last
        asio::co_spawn(io, request(tenant), rethrow);
    io.run();
    std::printf("served in this order: %s\n", order.c_str());
    return order == "BBsBBBB" && tenants.keys() == 0 ? 0 : 1; // an idle tenant costs nothing
}
