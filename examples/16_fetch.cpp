// Fetches the URLs given as arguments, at most four at a time from each host.
#include <weir/http/fetcher.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;

asio::awaitable<void> fetch_all(http::fetcher& fetcher, std::vector<std::string> urls, int& failed)
{
    std::size_t next = 0;
    const auto source = [&]() -> asio::awaitable<std::optional<std::string>> {
        if (next == urls.size())
            co_return std::nullopt;
        co_return urls[next++];
    };
    const auto sink = [&](http::fetch_result result) -> asio::awaitable<void> {
        const auto& answer = result.answer;
        failed += answer.error ? 1 : 0;
        std::printf("%u %8llu %s\n", answer.status, static_cast<unsigned long long>(answer.bytes),
                    result.url.c_str());
        co_return;
    };
    co_await fetcher.run(source, sink);
}

int main(int count, char** arguments)
{
    asio::io_context io;
    http::fetcher_options options;
    options.client(http::client_options().per_host(4));
    http::fetcher fetcher(io.get_executor(), options, nullptr);
    int failed = 0;
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    std::vector<std::string> urls(arguments + 1, arguments + count);
    asio::co_spawn(io, fetch_all(fetcher, urls, failed), rethrow);
    io.run();
    return failed == 0 ? 0 : 1;
}
