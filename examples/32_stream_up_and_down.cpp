// Sends the body of one URL to another: a part of 64 KiB at a time, as fast as the slower of both.
#include <weir/http/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>

namespace asio = boost::asio;
namespace http = weir::http;

// [source]
class passed_on final : public http::body_source {
public:
    explicit passed_on(http::open_response from) : from_(std::move(from)) {}

    asio::awaitable<std::size_t> read(char* to, std::size_t size) override
    {
        if (part_.empty())
            part_ = co_await from_.next();
        if (part_.empty() && from_.answer().error)
            throw http::failed(*from_.answer().error); // half of it must not look like all of it
        const std::size_t n = part_.copy(to, size);
        part_.remove_prefix(n);
        co_return n;
    }

private:
    http::open_response from_;
    std::string_view part_;
};
// [/source]

asio::awaitable<void> copy(http::client& client, std::string from, std::string to)
{
    http::request get(http::url::parse(from).value());
    http::open_response source = co_await client.async_open(std::move(get));
    if (source.answer().error || source.answer().status != 200)
        co_return;
    http::request ask(http::url::parse(to).value(), "PUT");
    ask.body(http::request_body::from(std::make_shared<passed_on>(std::move(source))));
    const http::response answer = co_await client.async_request(std::move(ask));
    std::printf("%s: %u\n", to.c_str(), answer.status); // 400 of the demo, which takes no bodies
    client.close_idle();
}

int main(int count, char** arguments)
{
    asio::io_context io;
    http::client client(io.get_executor());
    if (count > 2)
        asio::co_spawn(io, copy(client, arguments[1], arguments[2]), [](std::exception_ptr error) {
            if (error)
                std::rethrow_exception(error);
        });
    io.run();
}
