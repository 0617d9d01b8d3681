// Downloads a URL into a file: no half of it, no error page, and three attempts.
#include <weir/http/client.hpp>
#include <weir/http/file_receiver.hpp>
#include <weir/http/judge.hpp>
#include <weir/weir.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <tuple>
#include <utility>

namespace asio = boost::asio;
namespace http = weir::http;

// [download]
asio::awaitable<void> download(http::client& client, http::url from, std::string to)
{
    const auto attempt = [&](weir::this_attempt& current) -> asio::awaitable<http::response> {
        http::file_receiver file(to);
        http::request ask(from);
        http::response answer = co_await client.async_request_into(std::move(ask), file);
        http::judge(current, answer);
        co_return answer;
    };
    weir::retry_policy policy(3);
    const auto ended =
        co_await weir::async_retry(policy, attempt, asio::as_tuple(asio::use_awaitable));
    const http::response& answer = std::get<2>(ended);
    std::printf("%s: %s\n", to.c_str(), answer.error ? answer.error->text().c_str() : "is there");
    client.close_idle();
}
// [/download]

int main(int count, char** arguments)
{
    asio::io_context io;
    http::client client(io.get_executor());
    const std::string to = "example_38.html";
    if (count > 1)
        asio::co_spawn(io, download(client, http::url::parse(arguments[1]).value(), to),
                       [](std::exception_ptr error) {
                           if (error)
                               std::rethrow_exception(error);
                       });
    io.run();
    return std::remove(to.c_str()) == 0 ? 0 : 1;
}
