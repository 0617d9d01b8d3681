// A thousand requests: eight at a time to a host, 2,000 a second, five seconds for each, and again
// when the server is too busy.
#include <weir/http/client.hpp>
#include <weir/http/judge.hpp>
#include <weir/weir.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;

// [thousand]
asio::awaitable<void> fetch_all(http::client& client, std::vector<std::string> urls, int& good)
{
    weir::rate_limiter rate(client.get_executor(), weir::rate::per_second(2000), 50);
    weir::retry_policy policy(3); // attempts, with longer and longer waits between them
    const auto one = [&](std::string url) -> asio::awaitable<void> {
        const auto attempt = [&](weir::this_attempt& current) -> asio::awaitable<http::response> {
            co_await rate.async_acquire();
            http::response answer = co_await client.async_get(url);
            http::judge(current, answer);
            co_return answer;
        };
        const auto ended =
            co_await weir::async_retry(policy, attempt, asio::as_tuple(asio::use_awaitable));
        good += std::get<0>(ended) ? 0 : 1;
    };
    co_await weir::for_each(urls, 50, one);
    client.close_idle();
}
// [/thousand]

int main(int count, char** arguments)
{
    asio::io_context io;
    http::client_options options;
    options.per_host(8).requests(http::request_options().total_timeout(5s));
    http::client client(io.get_executor(), options);
    std::vector<std::string> urls;
    for (int i = 0; i < 1000 && count > 1; ++i)
        urls.push_back(arguments[1 + i % (count - 1)]);
    int good = 0;
    asio::co_spawn(io, fetch_all(client, urls, good), [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    });
    io.run();
    std::printf("%d of %zu are here\n", good, urls.size());
    return good == static_cast<int>(urls.size()) ? 0 : 1;
}
