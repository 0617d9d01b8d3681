// Stages in a row, each with its own limit. A slow stage holds back those before it.
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

namespace asio = boost::asio;

asio::awaitable<std::string> fetch(int page)
{
    const auto executor = co_await asio::this_coro::executor;
    co_await weir::async_sleep_for(executor, std::chrono::milliseconds(2));
    co_return "page " + std::to_string(page);
}

asio::awaitable<std::size_t> parse(std::string text)
{
    const auto executor = co_await asio::this_coro::executor;
    co_await weir::async_sleep_for(executor, std::chrono::milliseconds(1));
    co_return text.size();
}

asio::awaitable<void> run(weir::channel<int>& pages, std::size_t& letters)
{
    const auto store = [&letters](std::size_t length) { letters += length; };
    auto stages = weir::pipeline(pages).then(8, fetch).then(2, parse);
    co_await stages.for_each(store);
    for (const weir::stage_counts& stage : stages.counts())
        std::printf("%d in, %d out\n", int(stage.entered), int(stage.delivered));
}

asio::awaitable<void> feed(weir::channel<int>& pages)
{
    for (int page = 10; page < 60; ++page)
        if (!co_await pages.async_send(page))
            break;
    pages.close(); // each stage finishes what it has, one after the other
}

int main()
{
    asio::io_context io;
    weir::channel<int> pages(io.get_executor(), 4);
    std::size_t letters = 0;
    const auto rethrow = [](std::exception_ptr error) {
        if (error)
            std::rethrow_exception(error);
    };
    asio::co_spawn(io, run(pages, letters), rethrow);
    asio::co_spawn(io, feed(pages), rethrow);
    io.run();
    return letters == 50 * 7 ? 0 : 1;
}
